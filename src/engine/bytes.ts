/** Appends big-endian numbers, texts and byte strings to a buffer that grows. */
export interface ByteWriter {
  u8(value: number): void;
  i32(value: number): void;
  f64(value: number): void;
  /** Bytes with their length before them. */
  bytes(value: Uint8Array): void;
  /** UTF-8 with its length in bytes before it. */
  text(value: string): void;
  /** Bytes as they are, without a length. */
  raw(value: Uint8Array): void;
  /** A copy of everything written so far. */
  finish(): Uint8Array;
}

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

export function createByteWriter(): ByteWriter {
  let buffer = new Uint8Array(4096);
  let view = new DataView(buffer.buffer);
  let at = 0;
  const room = (count: number) => {
    if (at + count <= buffer.length) return;
    const larger = new Uint8Array(Math.max(buffer.length * 2, at + count));
    larger.set(buffer.subarray(0, at));
    buffer = larger;
    view = new DataView(buffer.buffer);
  };
  const writer: ByteWriter = {
    u8(value) {
      room(1);
      buffer[at++] = value;
    },
    i32(value) {
      room(4);
      view.setInt32(at, value);
      at += 4;
    },
    f64(value) {
      room(8);
      view.setFloat64(at, value);
      at += 8;
    },
    raw(value) {
      room(value.length);
      buffer.set(value, at);
      at += value.length;
    },
    bytes(value) {
      writer.i32(value.length);
      writer.raw(value);
    },
    text(value) {
      // A UTF-16 unit takes at most three bytes of UTF-8.
      room(4 + value.length * 3);
      const { written } = utf8.encodeInto(value, buffer.subarray(at + 4));
      view.setInt32(at, written);
      at += 4 + written;
    },
    finish: () => buffer.slice(0, at),
  };
  return writer;
}

/** Thrown where a frame ends early or holds an impossible length; the frame as a whole is unusable. */
export class TornFrameError extends Error {
  readonly code = 'TORN_FRAME';
  constructor(what: string, at: number, length: number) {
    super(`TORN_FRAME: ${what} at byte ${at} of ${length}: the frame is cut off or not a frame`);
    this.name = 'TornFrameError';
  }
}

/** Reads what a `ByteWriter` wrote. Each method throws a `TornFrameError` where the bytes end early. */
export interface ByteReader {
  u8(): number;
  i32(): number;
  f64(): number;
  bytes(): Uint8Array;
  text(): string;
  /** Whether all bytes have been read. */
  isAtEnd(): boolean;
}

export function createByteReader(buffer: Uint8Array): ByteReader {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  let at = 0;
  const take = (count: number, what: string): number => {
    if (count < 0 || at + count > buffer.length) throw new TornFrameError(what, at, buffer.length);
    at += count;
    return at - count;
  };
  const reader: ByteReader = {
    u8: () => view.getUint8(take(1, 'a byte')),
    i32: () => view.getInt32(take(4, 'a 32-bit number')),
    f64: () => view.getFloat64(take(8, 'a 64-bit number')),
    bytes() {
      const length = reader.i32();
      const from = take(length, `a byte string of ${length} bytes`);
      return buffer.subarray(from, from + length);
    },
    text() {
      const from = at;
      const bytes = reader.bytes();
      try {
        return strictUtf8.decode(bytes);
      } catch {
        throw new TornFrameError('a text that is not UTF-8', from, buffer.length);
      }
    },
    isAtEnd: () => at === buffer.length,
  };
  return reader;
}
