import { createByteReader, createByteWriter } from '../../src/engine/bytes.ts';

/** What an engine keeps of its devices, and the compacted topic that its facts go to. */
export interface EngineClient {
  readonly heads: Map<string, Uint8Array>;
  readonly logs: Map<string, Map<number, Uint8Array>>;
  readonly facts: Map<string, string>;
  /** Calls that were answered by a request for pieces of the log, and the pieces that were sent. */
  readonly asked: { calls: number; pieces: number };
}

export interface SentRecord {
  readonly source: string;
  readonly contentType: string;
  readonly timestampMs: number;
  readonly value: Uint8Array | null;
}

interface Sent {
  readonly id: string;
  readonly pieces: readonly number[];
  readonly records: readonly SentRecord[];
}

export function createEngineClient(): EngineClient {
  return {
    heads: new Map(),
    logs: new Map(),
    facts: new Map(),
    asked: { calls: 0, pieces: 0 },
  };
}

/** Sends records by device and stores what is answered, as an engine does. */
export async function foldRecords(
  client: EngineClient,
  records: ReadonlyMap<string, readonly SentRecord[]>,
  tellOpenEveryMs: number,
  call: (frame: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Promise<void> {
  let sent: Sent[] = [...records].map(([id, list]) => ({ id, pieces: [], records: list }));
  while (sent.length > 0) {
    const again: Sent[] = [];
    const reader = createByteReader(await call(encodeRequest(client, sent, tellOpenEveryMs)));
    reader.u8();
    reader.i32();
    for (const device of sent) {
      if (reader.u8() === 0) {
        const pieces: number[] = [];
        for (let left = reader.i32(); left > 0; left--) pieces.push(reader.i32());
        client.asked.calls += 1;
        client.asked.pieces += pieces.length;
        again.push({ ...device, pieces });
        continue;
      }
      client.heads.set(device.id, reader.bytes().slice());
      const log = client.logs.get(device.id) ?? new Map<number, Uint8Array>();
      client.logs.set(device.id, log);
      for (let left = reader.i32(); left > 0; left--) {
        const type = reader.u8();
        const number = reader.i32();
        if (type === 2) log.delete(number);
        else {
          const bytes = reader.bytes();
          const before = type === 0 ? (log.get(number) ?? new Uint8Array(0)) : new Uint8Array(0);
          log.set(number, new Uint8Array(Buffer.concat([before, bytes])));
        }
      }
      for (let left = reader.i32(); left > 0; left--) {
        const key = reader.text();
        if (reader.u8() === 1) client.facts.set(key, reader.text());
        else client.facts.delete(key);
      }
    }
    sent = again;
  }
}

export function encodeRequest(
  { heads, logs }: EngineClient,
  devices: readonly Sent[],
  tellOpenEveryMs: number,
): Uint8Array {
  const writer = createByteWriter();
  writer.u8(1);
  writer.f64(tellOpenEveryMs);
  writer.i32(devices.length);
  for (const { id, pieces, records } of devices) {
    writer.text(id);
    writer.bytes(heads.get(id) ?? new Uint8Array(0));
    writer.i32(pieces.length);
    for (const number of pieces) {
      writer.i32(number);
      writer.bytes(logs.get(id)!.get(number)!);
    }
    writer.i32(records.length);
    for (const { source, contentType, timestampMs, value } of records) {
      writer.text(source);
      writer.text(contentType);
      writer.f64(timestampMs);
      writer.u8(value === null ? 0 : 1);
      if (value !== null) writer.bytes(value);
    }
  }
  return writer.finish();
}
