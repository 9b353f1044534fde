import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { decodeRecord } from '../../src/core/decode/record.ts';
import { foldAll } from '../../src/core/fold-all.ts';
import { canonicalBytes } from '../../src/core/premium/exact/canonical.ts';
import { TornFrameError } from '../../src/engine/bytes.ts';
import { answer, configure } from '../../src/engine/child.ts';
import type { EngineSettings } from '../../src/engine/fold.ts';
import { buildStream, drivingStreams, runs, streams } from '../core/streams.ts';
import { createEngineClient, encodeRequest, foldRecords, type SentRecord } from './client.ts';

const ID = 'E-1';
const drive = {
  spacingS: 1,
  speedCkmh: 5_000,
  headingDeg: 30,
  withSpeed: true,
  withOdometer: true,
  ignition: undefined,
  noise: 7,
};
const settings: EngineSettings = { ...configure(''), horizonMs: Number.MAX_SAFE_INTEGER };

/** How records reach the engine: shuffled so far, repeated, held back, and in so many calls. */
const arrival = fc.record({
  reach: fc.constantFrom(0, 3, 30, 300, 100_000),
  repeated: fc.constantFrom(0, 50),
  heldBack: fc.constantFrom(0, 5, 50),
  calls: fc.integer({ min: 1, max: 12 }),
  seed: fc.integer({ min: 1, max: 2_147_483_646 }),
});

function messageOf(event: CanonicalEvent, index: number): SentRecord {
  const message = {
    deviceId: ID,
    at: event.atMs,
    ...(event.latE7 === undefined ? {} : { lat: event.latE7 / 1e7, lon: event.lonE7! / 1e7 }),
    ...(event.speedCkmh === undefined ? {} : { speedKmh: event.speedCkmh / 100 }),
    ...(event.headingDdeg === undefined ? {} : { headingDeg: event.headingDdeg / 10 }),
    ...(event.odometerM === undefined ? {} : { odometerKm: event.odometerM / 1000 }),
    ...(event.ignition === undefined ? {} : { ignition: event.ignition }),
    ...(event.phoneInUse === undefined ? {} : { phoneInUse: event.phoneInUse }),
    ...(event.speedLimitCkmh === undefined ? {} : { speedLimitKmh: event.speedLimitCkmh / 100 }),
    ...(event.accuracyDm === undefined ? {} : { accuracyM: event.accuracyDm / 10 }),
    ...(event.accelForwardMmps2 === undefined
      ? {}
      : { accelMps2: { forward: event.accelForwardMmps2 / 1000 } }),
  };
  return {
    source: `telematics/0/${index}`,
    contentType: 'application/json',
    timestampMs: event.atMs + 1000,
    value: new TextEncoder().encode(JSON.stringify(message)),
  };
}

/** The events as messages in their order, without those that no decoder would take. */
function messagesOf(events: readonly CanonicalEvent[]): SentRecord[] {
  const ordered = [...events].sort((a, b) => a.atMs - b.atMs);
  return ordered.map(messageOf).filter((record) => decode(record) !== undefined);
}

function decode(record: SentRecord): CanonicalEvent | undefined {
  const decoded = decodeRecord(record, settings.decoding);
  return decoded.ok ? decoded.value.event : undefined;
}

/** The facts of one ordered pass over all events, by key, as canonical JSON. */
function factsOf(records: readonly SentRecord[]): Map<string, string> {
  const events = records.map(decode).filter((event) => event !== undefined);
  const { trips, drivingEvents, untracked, openTrip } = foldAll(events, settings.context);
  const facts = new Map<string, string>();
  for (const trip of [...trips, ...(openTrip ? [openTrip] : [])]) {
    const { atMs, digest } = trip.anchor;
    facts.set(`trip ${ID} ${atMs} ${digest}`, canonicalBytes(trip));
  }
  for (const flag of drivingEvents) {
    facts.set(`flag ${ID} ${flag.atMs} ${flag.kind} ${flag.source}`, canonicalBytes(flag));
  }
  for (const stretch of untracked.filter(({ decidedBy }) => decidedBy)) {
    facts.set(`untracked ${ID} ${stretch.startedAtMs} ${stretch.kind}`, canonicalBytes(stretch));
  }
  return facts;
}

function arrive(
  records: readonly SentRecord[],
  how: typeof arrival extends fc.Arbitrary<infer A> ? A : never,
): SentRecord[][] {
  let random = how.seed;
  const draw = (below: number) => {
    random = (random * 48_271) % 2_147_483_647;
    return random % below;
  };
  const placed = records.flatMap((record, index) => {
    const late = draw(1_000) < how.heldBack ? records.length + how.reach : 0;
    const place = index + draw(how.reach + 1) + late;
    return draw(1_000) < how.repeated
      ? [
          { record, place },
          { record, place: place + draw(50) },
        ]
      : [{ record, place }];
  });
  placed.sort((a, b) => a.place - b.place);
  const calls: SentRecord[][] = Array.from({ length: how.calls }, () => []);
  placed.forEach(({ record }, index) => {
    calls[Math.floor((index * how.calls) / placed.length)]!.push(record);
  });
  return calls;
}

const sorted = (facts: ReadonlyMap<string, string>) =>
  [...facts].sort(([a], [b]) => (a < b ? -1 : 1));

describe('the engine adapter', () => {
  it('gives the facts of one ordered pass, whatever the order, repeats and cuts of the records', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(streams, drivingStreams),
        arrival,
        fc.constantFrom(0, 10_000),
        async (events, how, tellOpenEveryMs) => {
          const records = messagesOf(events);
          const client = createEngineClient();
          const call = (frame: Uint8Array) => answer(frame, settings);
          for (const batch of arrive(records, how)) {
            await foldRecords(client, new Map([[ID, batch]]), tellOpenEveryMs, call);
          }
          await foldRecords(client, new Map([[ID, []]]), 0, call);
          expect(sorted(client.facts)).toEqual(sorted(factsOf(records)));
        },
      ),
      runs(25),
    );
  });

  const day: SentRecord[] = messagesOf(
    buildStream(1_700_000_000_000, 41.26, -95.98, [
      { ...drive, kind: 'drive', seconds: 4_000 },
      { ...drive, kind: 'gap', seconds: 3_000 },
      { ...drive, kind: 'drive', seconds: 6_000, speedCkmh: 8_000 },
      { ...drive, kind: 'gap', seconds: 3_000 },
      { ...drive, kind: 'drive', seconds: 4_000 },
    ]),
  );
  const call = (frame: Uint8Array) => answer(frame, settings);

  it('reads two pieces of the log for a late event of a trip that ended soon after', async () => {
    const client = createEngineClient();
    const late = day[300]!;
    await foldRecords(client, new Map([[ID, day.filter((r) => r !== late)]]), 0, call);
    expect(client.asked).toEqual({ calls: 0, pieces: 0 });
    await foldRecords(client, new Map([[ID, [late]]]), 0, call);
    expect(client.logs.get(ID)!.size).toBeGreaterThan(3);
    expect(client.asked.pieces).toBeLessThanOrEqual(2);
    expect(sorted(client.facts)).toEqual(sorted(factsOf(day)));
  });

  it('tells an event beyond the horizon as a late fact, and forgets pieces that are older', async () => {
    const client = createEngineClient();
    const near = (frame: Uint8Array) => answer(frame, { ...settings, horizonMs: 1_800_000 });
    const late = day[5]!;
    await foldRecords(client, new Map([[ID, day.filter((r) => r !== late)]]), 0, near);
    const kept = client.logs.get(ID)!.size;
    await foldRecords(client, new Map([[ID, [late]]]), 0, near);
    const { atMs, digest } = decode(late)!;
    expect(JSON.parse(client.facts.get(`late ${ID} ${atMs} ${digest}`)!)).toMatchObject({ atMs });
    expect(kept).toBeLessThan(5);
  });

  it('sets records aside that cannot be used or are of another device', async () => {
    const client = createEngineClient();
    const value = new TextEncoder().encode('{"deviceId":"E-2","at":1700000000000,"lat":1,"lon":2}');
    const other = { ...day[0]!, source: 't/3/7', value };
    const empty = { ...day[0]!, source: 't/3/8', value: null };
    await foldRecords(client, new Map([[ID, [other, empty, day[1]!]]]), 0, call);
    expect(JSON.parse(client.facts.get('dead t/3/7')!)).toMatchObject({ reason: 'OTHER_KEY' });
    expect(JSON.parse(client.facts.get('dead t/3/8')!)).toMatchObject({ reason: 'EMPTY' });
  });

  it('refuses a frame that is cut off anywhere, or has a byte too many', () => {
    const records = day.slice(0, 3);
    const frame = encodeRequest(createEngineClient(), [{ id: ID, pieces: [], records }], 0);
    for (let length = 0; length < frame.length; length++) {
      expect(() => answer(frame.subarray(0, length), settings)).toThrow(TornFrameError);
    }
    expect(() => answer(Buffer.concat([frame, Buffer.from([0])]), settings)).toThrow('TORN_FRAME');
  });

  it('answers the same from a child process, also when it is killed and the call is sent again', async () => {
    const client = createEngineClient();
    const child = createChild();
    let calls = 0;
    const callChild = async (frame: Uint8Array) => {
      if (++calls === 2) child.kill();
      return child.call(frame).catch(() => child.call(frame));
    };
    for (const batch of [day.slice(0, 4_000), day.slice(4_500), day.slice(3_900, 4_600)]) {
      await foldRecords(client, new Map([[ID, batch]]), 0, callChild);
    }
    await child.end();
    expect(sorted(client.facts)).toEqual(sorted(factsOf(day)));
  });
});

/** `src/engine/main.ts` as a process, started again after it has ended. */
function createChild() {
  let child: ChildProcess | undefined;
  const start = () => {
    child = spawn(process.execPath, ['--import', './scripts/typescript.js', 'src/engine/main.ts'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin!.on('error', () => undefined);
    child.stdin!.write(Buffer.from([0, 0, 0, 0]));
    return child;
  };
  return {
    kill: () => child?.kill('SIGKILL'),
    async end() {
      if (child === undefined) return;
      const ended = once(child, 'exit');
      child.stdin!.end();
      expect(await ended).toEqual([0, null]);
    },
    async call(frame: Uint8Array): Promise<Uint8Array> {
      const running =
        child === undefined || child.exitCode !== null || child.killed ? start() : child;
      const length = Buffer.alloc(4);
      length.writeUInt32BE(frame.length);
      running.stdin!.write(Buffer.concat([length, frame]));
      let received = Buffer.alloc(0);
      for await (const chunk of running.stdout!.iterator({ destroyOnReturn: false })) {
        received = Buffer.concat([received, chunk as Buffer]);
        if (received.length >= 4 && received.length >= 4 + received.readUInt32BE(0)) {
          return received.subarray(4);
        }
      }
      throw new Error('the child ended before it answered');
    },
  };
}
