import type { Decoded } from '../result.ts';
import { decodeMessage } from './message.ts';
import type { DeviceEvent } from './quantise.ts';
import { quote } from './show.ts';

/** Reads messages of one schema; created outside the core, from the schema's text. */
export interface BinaryDecoder {
  readonly encoding: string;
  /** The message as a plain object. @throws if the bytes do not match the schema */
  readonly decode: (bytes: Uint8Array) => unknown;
}

/** The available schemas. */
export interface BinaryDecoders {
  /** By the id in the schema registry's framing; a string is the reason why there is none. */
  readonly byId: (id: number) => BinaryDecoder | string;
  /** By content type, for values without framing. */
  readonly byContentType: (contentType: string) => BinaryDecoder | undefined;
}

/** Magic byte of the schema registry's framing. */
const MAGIC_BYTE = 0;
/** The magic byte and an id of four bytes. */
const FRAME_BYTES = 5;

/** Whether a value has the schema registry's framing. */
export function isFramed(value: Uint8Array): boolean {
  return value[0] === MAGIC_BYTE;
}

/** The schema id of a framed value; undefined if it is not framed or too short. */
export function schemaIdOf(value: Uint8Array | null): number | undefined {
  if (value === null || !isFramed(value) || value.length < FRAME_BYTES) return undefined;
  return new DataView(value.buffer, value.byteOffset).getUint32(1);
}

/** Decodes a value with the schema registry's framing: magic byte 0, schema id, message. */
export function decodeFramed(value: Uint8Array, decoders: BinaryDecoders): Decoded<DeviceEvent> {
  const id = schemaIdOf(value);
  if (id === undefined) {
    const message = `the value begins like the schema registry's framing, but has ${value.length} bytes; the framing alone has ${FRAME_BYTES}`;
    return { ok: false, reason: 'MALFORMED', message };
  }
  const decoder = decoders.byId(id);
  if (typeof decoder === 'string') {
    return { ok: false, reason: 'UNKNOWN_SCHEMA', message: `schema ${id}: ${decoder}` };
  }
  return decodeBinary(value.subarray(FRAME_BYTES), decoder, `schema ${id}`);
}

/** Decodes bytes by a schema. @param name of the schema, for error messages */
export function decodeBinary(
  bytes: Uint8Array,
  { encoding, decode }: BinaryDecoder,
  name: string,
): Decoded<DeviceEvent> {
  let message: unknown;
  try {
    message = decode(bytes);
  } catch (error) {
    const cause = quote(error instanceof Error ? error.message : String(error), 120);
    return {
      ok: false,
      reason: 'MALFORMED',
      message: `the value is not ${encoding} of ${name}: ${cause}`,
    };
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    return { ok: false, reason: 'MALFORMED', message: `${name} is not a record with fields` };
  }
  return decodeMessage(message as Record<string, unknown>);
}
