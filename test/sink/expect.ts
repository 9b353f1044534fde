import { expect } from 'vitest';
import { advance, emptyState, encodeState, openTrip } from '../../src/core/advance.ts';
import type { TripFacts, DrivingEventFacts } from '../../src/core/changes.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import type { Store } from '../../src/store/open.ts';
import type { TripColumns } from '../../src/store/rows.ts';
import { drivingEventToColumns, keyToColumns, tripToColumns } from '../../src/store/rows.ts';
import { readSpans } from '../../src/store/ingest/spans.ts';
import { foldContext } from './context.ts';
import { uniqueInOrder } from './streams.ts';

const DEFAULT_TENANT = { tenantId: 1, assignmentId: null, driverId: null, vehicleId: null };

/** What is stored of a device equals one ordered pass over its events: facts, flags, states, handles. */
export async function expectOrderedPass(
  store: Store,
  externalId: string,
  events: readonly CanonicalEvent[],
) {
  const device = await store.prisma.device.findUniqueOrThrow({ where: { externalId } });
  const state = emptyState();
  const trips: TripFacts[] = [];
  const flags: DrivingEventFacts[] = [];
  const states = new Map<string, Uint8Array>();
  for (const event of uniqueInOrder(events)) {
    for (const change of advance(state, event, foldContext)) {
      if (change.type === 'tripClosed') trips.push(change.trip);
      else if (change.type === 'drivingEvent') flags.push(change.event);
    }
    const { sec, rest } = keyToColumns(event);
    states.set(`${sec} ${rest}`, encodeState(state));
  }
  const open = openTrip(state, foldContext);
  if (open) trips.push(open);

  let span = (await readSpans(store, [{ deviceId: device.id, after: { atMs: 0, digest: 0 } }]))[0]!;
  const stored = {
    events: [...span.events],
    trips: [...span.trips],
    flags: [...span.drivingEvents],
    checkpoints: [...span.checkpoints],
  };
  while (!span.reachesHead) {
    span = (await readSpans(store, [{ deviceId: device.id, after: span.events.at(-1)! }]))[0]!;
    stored.events.push(...span.events);
    stored.trips.push(...span.trips);
    stored.flags.push(...span.drivingEvents);
    stored.checkpoints.push(...span.checkpoints);
  }
  const byStart = (a: TripColumns, b: TripColumns) => (a.started_at < b.started_at ? -1 : 1);
  expect(stored.events, `${externalId}: events`).toEqual(uniqueInOrder(events));
  expect(stored.trips.map((t) => t.columns).sort(byStart), `${externalId}: trips`).toEqual(
    trips.map((trip) => tripToColumns(device.id, trip, DEFAULT_TENANT)),
  );
  const order = (a: { at: string; kind: string; source: string }) =>
    `${a.at} ${a.kind} ${a.source}`;
  const sorted = <T extends { at: string; kind: string; source: string }>(list: T[]) =>
    list.sort((a, b) => (order(a) < order(b) ? -1 : 1));
  expect(sorted(stored.flags.map((f) => f.columns)), `${externalId}: driving events`).toEqual(
    sorted(flags.map((flag) => drivingEventToColumns(device.id, flag, DEFAULT_TENANT))),
  );
  for (const { key, state: bytes } of stored.checkpoints) {
    const { sec, rest } = keyToColumns(key);
    expect(
      Buffer.from(bytes).equals(states.get(`${sec} ${rest}`)!),
      `${externalId}: checkpoint`,
    ).toBe(true);
  }
  const head = await store.prisma.deviceState.findUniqueOrThrow({ where: { deviceId: device.id } });
  expect(Buffer.from(head.state!).equals(encodeState(state)), `${externalId}: head`).toBe(true);
  await expectHandles(store, device.id, stored.trips);
}

async function expectHandles(
  store: Store,
  deviceId: number,
  trips: readonly { id: number; anchor: unknown }[],
) {
  expect(new Set(trips.map((trip) => trip.id)).size).toBe(trips.length);
  const handles = await store.prisma.tripHandle.findMany({ where: { deviceId } });
  for (const trip of trips) {
    const handle = handles.find((h) => Number(h.id) === trip.id);
    expect(handle, `handle ${trip.id}`).toBeDefined();
    expect({ sec: handle!.anchorSec, rest: handle!.anchorRest }).toEqual(
      keyToColumns(trip.anchor as never),
    );
  }
  const revisions = await store.prisma.tripRevision.findMany({ where: { deviceId } });
  for (const revision of revisions) {
    expect(
      handles.some((h) => h.id === revision.tripId),
      `revision of ${revision.tripId}`,
    ).toBe(true);
  }
}

/** Roll-ups are the sums of the day parts of closed trips. */
export async function expectTotals(store: Store): Promise<void> {
  const wrong = await store.prisma.$queryRawUnsafe<unknown[]>(`
    with parts as (
      select t.device_id, (day->>'localDate')::date as local_date, sum((day->>'distanceM')::bigint)::bigint as distance_m,
        sum((day->>'durationMs')::bigint)::bigint as duration_ms, sum((day->>'idleMs')::bigint)::bigint as idle_ms,
        sum(((day->>'localDate')::date = t.local_date)::int)::int as trips
      from trip t, jsonb_array_elements(t.days) as day where t.decided_sec is not null group by 1, 2)
    select to_jsonb(p) as parts, to_jsonb(d) as total from parts p full join daily_total d using (device_id, local_date)
    where (p.distance_m, p.duration_ms, p.idle_ms, p.trips) is distinct from (d.distance_m, d.duration_ms, d.idle_ms, d.trips)
      and not (p.device_id is null and d.trips = 0 and d.distance_m = 0 and d.duration_ms = 0)`);
  expect(wrong).toEqual([]);
}
