import { createByteReader, createByteWriter, TornFrameError } from './bytes.ts';
import type { DeviceRequest, DeviceResponse, FoldRequest } from './fold.ts';
import type { LogMove } from './log.ts';

// Layout of frames, all numbers big-endian; text and bytes have a 32-bit length before them.
//
//   request   u8 version | f64 tellOpenEveryMs | i32 devices × device
//   device    text id | bytes head | i32 pieces × { i32 number | bytes }
//             | i32 records × { text source | text contentType | f64 timestampMs | u8 hasValue | bytes? }
//   response  u8 version | i32 devices × outcome
//   outcome   u8 0 | i32 numbers × i32                                   needs these pieces of the log
//           | u8 1 | bytes head | i32 moves × move | i32 facts × fact    done
//   move      u8 0 | i32 number | bytes      append to piece `number`, which may not exist yet
//           | u8 1 | i32 number | bytes      put
//           | u8 2 | i32 number              delete
//   fact      text key | u8 hasValue | text?                             without a value: a tombstone

/** Raised with each change of the layout above. */
const VERSION = 1;

/** @throws TornFrameError where the bytes are not a request. */
export function decodeRequest(frame: Uint8Array): FoldRequest {
  const reader = createByteReader(frame);
  const version = reader.u8();
  if (version !== VERSION) {
    throw new TornFrameError(`version ${version} where ${VERSION} is read`, 0, frame.length);
  }
  const tellOpenEveryMs = reader.f64();
  const devices = listOf(reader.i32(), (): DeviceRequest => {
    const id = reader.text();
    const head = reader.bytes();
    const pieces = new Map(listOf(reader.i32(), () => [reader.i32(), reader.bytes()] as const));
    const records = listOf(reader.i32(), () => {
      const source = reader.text();
      const contentType = reader.text();
      const timestampMs = reader.f64();
      const value = reader.u8() === 1 ? reader.bytes() : null;
      return { source, contentType, timestampMs, value };
    });
    return { id, head, pieces, records };
  });
  if (!reader.isAtEnd()) {
    throw new TornFrameError('bytes behind the last device', frame.length, frame.length);
  }
  return { tellOpenEveryMs, devices };
}

export function encodeResponse(devices: readonly DeviceResponse[]): Uint8Array {
  const writer = createByteWriter();
  const putMove = (move: LogMove) => {
    writer.u8(move.type === 'append' ? 0 : move.type === 'put' ? 1 : 2);
    writer.i32(move.number);
    if (move.type !== 'delete') writer.bytes(move.bytes);
  };
  writer.u8(VERSION);
  writer.i32(devices.length);
  for (const device of devices) {
    if (device.type === 'needsPieces') {
      writer.u8(0);
      writer.i32(device.numbers.length);
      device.numbers.forEach((number) => writer.i32(number));
      continue;
    }
    writer.u8(1);
    writer.bytes(device.head);
    writer.i32(device.log.length);
    device.log.forEach(putMove);
    writer.i32(device.facts.length);
    for (const { key, json } of device.facts) {
      writer.text(key);
      writer.u8(json === undefined ? 0 : 1);
      if (json !== undefined) writer.text(json);
    }
  }
  return writer.finish();
}

function listOf<T>(count: number, read: () => T): T[] {
  const list: T[] = [];
  for (let i = 0; i < count; i++) list.push(read());
  return list;
}
