import type { Decoded } from '../result.ts';
import type { Zones } from '../zones.ts';
import type { BinaryDecoders } from './binary.ts';
import type { DeviceEvent } from './quantise.ts';

export interface DecodeSettings {
  /** Unit of the speed in text lines, which do not contain it. */
  readonly textSpeedUnit: 'mph' | 'kmh';
  /** IANA zone of the times in text lines, which do not contain it. */
  readonly textTimeZone: string;
  readonly zones: Pick<Zones, 'offsetMsAt'>;
  /** The text of UTF-8 bytes, or undefined if they are not UTF-8. */
  readonly decodeUtf8: (bytes: Uint8Array) => string | undefined;
  /** Schemas of Avro and Protobuf messages; absent if none are read. */
  readonly binary?: BinaryDecoders;
}

/** An encoding of messages. */
export interface Format {
  readonly name: string;
  /** Values of the `content-type` header that select this format. */
  readonly contentTypes: readonly string[];
  /** Whether a message without such a header is of this format, by its first byte after white
   * space. */
  readonly startsWith: (firstByte: number) => boolean;
  readonly decode: (text: string, settings: DecodeSettings) => Decoded<DeviceEvent>;
}
