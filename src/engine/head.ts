import { decodeState, emptyState, encodeState } from '../core/advance.ts';
import type { EventKey } from '../core/event.ts';
import type { DeviceState } from '../core/state.ts';
import { createByteReader, createByteWriter } from './bytes.ts';
import { putKey, takeKey } from './log.ts';

/** Where a piece of the log is: it holds the events after `after` up to the next piece's. */
export interface PieceIndex {
  readonly number: number;
  /** The last event before the piece; undefined for the device's first event. */
  readonly after: EventKey | undefined;
}

/** All that the forward path needs of a device; some hundred bytes, and 20 for each piece of its log. */
export interface Head {
  state: DeviceState;
  /** The newest event folded. */
  key: EventKey | undefined;
  /** In the order of events. */
  pieces: PieceIndex[];
  nextPiece: number;
  /** Events in the newest piece. */
  newestEvents: number;
  /** Key of the fact of the open trip as it was told last, empty where none is told. */
  openKey: string;
  /** The newest event's instant when it was told. */
  openToldAtMs: number;
  /** Whether events have been folded since. */
  isOpenStale: boolean;
}

/** Raised with each change of the layout of heads and pieces. */
const VERSION = 1;

/** Thrown where a head or a piece is of another version of the core or of this layout. */
export class StateVersionError extends Error {
  readonly code = 'STATE_VERSION';
  constructor(deviceId: string) {
    super(
      `STATE_VERSION: the state of device ${JSON.stringify(deviceId)} was written by another version. ` +
        'Start the engine with an empty state and read the topic from its beginning.',
    );
    this.name = 'StateVersionError';
  }
}

/** @throws StateVersionError where another version wrote it. */
export function decodeHead(deviceId: string, bytes: Uint8Array): Head {
  if (bytes.length === 0) {
    return {
      state: emptyState(),
      key: undefined,
      pieces: [],
      nextPiece: 0,
      newestEvents: 0,
      openKey: '',
      openToldAtMs: 0,
      isOpenStale: false,
    };
  }
  const reader = createByteReader(bytes);
  if (reader.u8() !== VERSION) throw new StateVersionError(deviceId);
  const state = decodeState(reader.bytes());
  if (!state) throw new StateVersionError(deviceId);
  const optionalKey = () => (reader.u8() === 1 ? takeKey(reader) : undefined);
  const key = optionalKey();
  const pieces: PieceIndex[] = [];
  for (let left = reader.i32(); left > 0; left--) {
    pieces.push({ number: reader.i32(), after: optionalKey() });
  }
  return {
    state,
    key,
    pieces,
    nextPiece: reader.i32(),
    newestEvents: reader.i32(),
    openKey: reader.text(),
    openToldAtMs: reader.f64(),
    isOpenStale: reader.u8() === 1,
  };
}

export function encodeHead(head: Head): Uint8Array {
  const writer = createByteWriter();
  const putOptionalKey = (key: EventKey | undefined) => {
    writer.u8(key === undefined ? 0 : 1);
    if (key !== undefined) putKey(writer, key);
  };
  writer.u8(VERSION);
  writer.bytes(encodeState(head.state));
  putOptionalKey(head.key);
  writer.i32(head.pieces.length);
  for (const { number, after } of head.pieces) {
    writer.i32(number);
    putOptionalKey(after);
  }
  writer.i32(head.nextPiece);
  writer.i32(head.newestEvents);
  writer.text(head.openKey);
  writer.f64(head.openToldAtMs);
  writer.u8(head.isOpenStale ? 1 : 0);
  return writer.finish();
}
