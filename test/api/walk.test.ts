import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import { ask, codesOf } from './client.ts';

const INSURER = { role: 'INSURER', tenant: 'acme' } as const;
const MINUTE_MS = 60_000;
const START_MS = Date.parse('2015-05-01T08:00:00Z');
const WALK = `query ($device: String!, $direction: OrderDirection!, $first: Int, $after: Cursor, $last: Int, $before: Cursor) {
  trips(filter: { deviceId: $device }, orderBy: { field: STARTED_AT, direction: $direction },
        first: $first, after: $after, last: $last, before: $before) {
    nodes { startedAt } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;

let tenant: number;
let devices = 0;

const { api, rows } = await useApi();

beforeAll(async () => {
  tenant = await rows.addTenant('acme');
});

function toInstant(minute: number): string {
  return new Date(START_MS + minute * MINUTE_MS).toISOString();
}

function addTrip(device: number, minute: number): Promise<number> {
  return rows.addTrip(tenant, device, {
    startedAt: toInstant(minute),
    endedAt: toInstant(minute + 1),
  });
}

const minutes = fc.uniqueArray(fc.nat({ max: 40 }), { minLength: 2, maxLength: 14 });
const change = fc.record({
  kind: fc.constantFrom('insert' as const, 'delete' as const, 'update' as const),
  minute: fc.nat({ max: 40 }),
});

describe('a walk through the pages of trips', () => {
  it('shows every trip that kept its start exactly once, forwards and backwards, even if other trips come and go meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        minutes,
        fc.array(change, { maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        fc.constantFrom('ASC', 'DESC'),
        async (begun, changes, size, backward, direction) => {
          const name = `ID-${++devices}`;
          const device = await rows.addDevice(name, tenant);
          for (const minute of begun) await addTrip(device, minute);
          const present = new Set(begun);
          const kept = new Set(begun);
          const seen: string[] = [];
          const pending = [...changes];
          let cursor: string | null = null;
          for (let more = true; more;) {
            const answer = await ask(api, INSURER, WALK, {
              device: name,
              direction,
              ...(backward ? { last: size, before: cursor } : { first: size, after: cursor }),
            });
            expect(answer.errors).toEqual([]);
            const { nodes, pageInfo } = answer.data.trips;
            const starts = nodes.map((trip: { startedAt: string }) => trip.startedAt);
            seen.push(...(backward ? starts.reverse() : starts));
            more = backward ? pageInfo.hasPreviousPage : pageInfo.hasNextPage;
            cursor = backward ? pageInfo.startCursor : pageInfo.endCursor;
            for (const { kind, minute } of pending.splice(0, 2)) {
              const key = [device, toInstant(minute)];
              if (kind === 'insert' && !present.has(minute)) {
                await addTrip(device, minute);
                present.add(minute);
              } else if (kind === 'delete') {
                await rows.client.query(
                  'delete from trip where device_id = $1 and started_at = $2',
                  key,
                );
                present.delete(minute);
                kept.delete(minute);
              } else if (kind === 'update') {
                await rows.client.query(
                  'update trip set distance_m = distance_m + 1, revision = revision + 1 where device_id = $1 and started_at = $2',
                  key,
                );
              }
            }
          }
          expect(new Set(seen).size).toBe(seen.length);
          expect(seen).toEqual(expect.arrayContaining([...kept].map(toInstant)));
          const ascending = (direction === 'ASC') !== backward;
          expect(seen).toEqual(ascending ? [...seen].sort() : [...seen].sort().reverse());
        },
      ),
      { numRuns: process.env['ODOGRAPH_LONG'] ? 500 : 25 },
    );
  }, 300_000);

  it('refuses a cursor in another order or under another filter', async () => {
    const device = await rows.addDevice('ID-filter', tenant);
    for (const minute of [1, 2, 3]) await addTrip(device, minute);
    const variables = { device: 'ID-filter', direction: 'ASC', first: 1 };
    const page = await ask(api, INSURER, WALK, variables);
    const after = page.data.trips.pageInfo.endCursor;
    expect(codesOf(await ask(api, INSURER, WALK, { ...variables, after }))).toEqual([]);
    for (const other of [{ direction: 'DESC' }, { device: 'ID-other' }]) {
      const answer = await ask(api, INSURER, WALK, { ...variables, after, ...other });
      expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
    }
  });
});
