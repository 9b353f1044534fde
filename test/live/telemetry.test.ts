import pg from 'pg';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import { startTestApi } from '../api/client.ts';
import type { EventSeed, Rows } from '../api/rows.ts';
import { openRows } from '../api/rows.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import type { Subscription } from './sockets.ts';
import { subscribe } from './sockets.ts';

const OPERATOR = { role: 'OPERATOR' } as const;
const TELEMETRY = `subscription ($deviceId: String!, $after: Cursor) {
  telemetry(deviceId: $deviceId, after: $after) { cursor at late lat lon speedKmh } }`;

interface Message {
  readonly telemetry: {
    readonly cursor: string;
    readonly at: string;
    readonly late: boolean;
    readonly lat: number | null;
    readonly speedKmh: number;
  };
}

let database: TestDatabase;
let rows: Rows;
let api: Api;
let tenant: number;
let device: number;
let deviceId: string;
let count = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  rows = await openRows(database);
  api = await startTestApi(database);
  tenant = await rows.addTenant('acme');
});
afterAll(async () => {
  await api.stop();
  await rows.close();
  await database.drop();
});
beforeEach(async () => {
  deviceId = `ID-${++count}`;
  device = await rows.addDevice(deviceId, tenant);
});

/** An instant at the given second of the test's day. */
function at(second: number): string {
  return new Date(Date.UTC(2015, 4, 15) + second * 1000).toISOString();
}

function listen(after?: string): Subscription<Message> {
  return subscribe<Message>(
    api,
    OPERATOR,
    TELEMETRY,
    { deviceId, ...(after ? { after } : {}) },
    { counts: (message) => message.telemetry.at >= at(0) },
  );
}

let probes = 0;
/** An event from long before the test's day, but newer than every other probe. */
async function probe(): Promise<void> {
  await rows.addEvents(device, [{ at: at(-1_000_000 + ++probes) }]);
}

/** A subscription opens some milliseconds after it was requested. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 3_000));
}

describe('telemetry', () => {
  it('sends a new event soon after it is stored, and none from before', async () => {
    const ear = listen();
    await ear.begun(probe);
    const stored = Date.now();
    await rows.addEvents(device, [{ at: at(1), speedCkmh: 12870 }]);
    const [message] = await ear.until(1);
    expect(Date.now() - stored).toBeLessThan(5_000);
    expect(message?.telemetry).toEqual({
      cursor: expect.any(String) as string,
      at: at(1),
      late: false,
      lat: 40.757977,
      lon: -73.978165,
      speedKmh: 128.7,
    });
    await ear.end();
  });

  it('waits for a device that is still unknown, and sends its first event', async () => {
    deviceId = 'ID-NEW';
    const ear = listen();
    await settle();
    const fresh = await rows.addDevice(deviceId, tenant);
    await rows.addEvents(fresh, [{ at: at(0) }, { at: at(1) }]);
    await ear.until(2);
    expect(ear.messages.map((m) => m.telemetry.at)).toEqual([at(0), at(1)]);
    await ear.end();
  });

  it('resumes after any message and sends each event once, late ones included', async () => {
    const whole = listen();
    await whole.begun(probe);
    await rows.addEvents(device, [{ at: at(0) }]);
    await whole.until(1);
    await rows.addEvents(device, [{ at: at(10) }, { at: at(20) }]);
    await rows.addEvents(device, [{ at: at(15) }, { at: at(5) }]);
    await rows.addEvents(device, [{ at: at(18) }, { at: at(30) }]);
    await whole.until(7);
    const all = new Set(whole.messages.map((m) => m.telemetry.at));
    expect(all.size).toBe(7);
    for (const [i, { telemetry }] of whole.messages.entries()) {
      const rest = listen(telemetry.cursor);
      const seen = whole.messages.slice(0, i + 1).map((m) => m.telemetry.at);
      if (i < 6) await rest.until(6 - i);
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect([...seen, ...rest.messages.map((m) => m.telemetry.at)].sort()).toEqual(
        [...all].sort(),
      );
      await rest.end();
    }
    await whole.end();
  });

  it('refuses a cursor of another device, a modified cursor, and one of another epoch', async () => {
    const ear = listen();
    await ear.begun(probe);
    await rows.addEvents(device, [{ at: at(1) }]);
    const [message] = await ear.until(1);
    await ear.end();
    const cursor = message?.telemetry.cursor ?? '';
    const foreign = Buffer.from(cursor, 'base64url');
    const renewed = Buffer.concat([
      foreign.subarray(0, 12),
      Buffer.from(
        foreign
          .subarray(12)
          .toString()
          .replace(/^\["telemetry","\d+"/, '["telemetry","7"'),
      ),
    ]).toString('base64url');
    const cases: readonly (readonly [string, string, string])[] = [
      ['ID-1', cursor, 'BAD_USER_INPUT'],
      [deviceId, `${cursor.slice(0, -2)}xx`, 'BAD_USER_INPUT'],
      [deviceId, 'nonsense', 'BAD_USER_INPUT'],
      [deviceId, renewed, 'CURSOR_EXPIRED'],
    ];
    for (const [device, after, code] of cases) {
      const refused = subscribe<Message>(api, OPERATOR, TELEMETRY, { deviceId: device, after });
      await expect(refused.until(1)).rejects.toThrow(code);
      await refused.end();
    }
  });

  it('sends every event once to a reader who disconnects and resumes during concurrent writes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 4 }), {
          minLength: 4,
          maxLength: 12,
        }),
        async (batches) => {
          deviceId = `ID-${++count}`;
          device = await rows.addDevice(deviceId, tenant);
          const used = new Set<number>();
          const written: EventSeed[][] = batches
            .map((batch) =>
              batch.filter((s) => !used.has(s) && used.add(s)).map((s) => ({ at: at(s) })),
            )
            .filter((batch) => batch.length > 0);
          const writers = [0, 1].map(() => new pg.Client({ connectionString: database.sinkUrl }));
          for (const writer of writers) await writer.connect();
          let ear = listen();
          await ear.begun(probe);
          const heard: Message[] = [];
          const writing = Promise.all(
            writers.map(async (writer, w) => {
              for (const [i, batch] of written.entries()) {
                if (i % 2 === w) await rows.addEvents(device, batch, writer);
              }
            }),
          );
          const deadline = Date.now() + 40_000;
          while (heard.length < used.size && Date.now() < deadline) {
            const soFar = heard.length;
            await ear.until(1).catch(() => undefined);
            heard.push(...ear.messages);
            await ear.end();
            const after = heard.at(-1)?.telemetry.cursor;
            if (heard.length > soFar && after) ear = listen(after);
            else break;
          }
          await writing;
          for (const writer of writers) await writer.end();
          await ear.end();
          expect(heard.map((m) => m.telemetry.at).sort()).toEqual(
            written
              .flat()
              .map((e) => e.at)
              .sort(),
          );
        },
      ),
      { numRuns: process.env['ODOGRAPH_LONG'] === '1' ? 200 : 4 },
    );
  });
});
