import { isDeepStrictEqual } from 'node:util';
import type { TripFacts } from '../core/changes.ts';
import type { EventKey } from '../core/event.ts';
import { compareKeys } from '../core/event.ts';
import type { HandleChoice, LiveTrip, TripSpan } from '../core/handles.ts';
import { chooseHandles } from '../core/handles.ts';
import type { Commit, TotalMove } from '../store/ingest/commit.ts';
import type { StoredDevice, OpenTripRow } from '../store/ingest/devices.ts';
import { attributionAt } from '../store/ingest/devices.ts';
import type { DrivingEventColumns, TripColumns } from '../store/rows.ts';
import { drivingEventToColumns, keyToColumns, tripToColumns } from '../store/rows.ts';
import type { Refold } from './repair.ts';

type Owner = Pick<StoredDevice, 'id' | 'externalId' | 'tenancies' | 'assignments'>;

/** The lists of a commit that `settle` appends to. */
export type Outputs = {
  -readonly [
    K in
      | 'checkpointsGone'
      | 'checkpoints'
      | 'revisions'
      | 'tripsGone'
      | 'trips'
      | 'handles'
      | 'drivingEventsGone'
      | 'drivingEvents'
  ]: Commit[K][number][];
} & { readonly totals: Map<string, TotalMove> };

export function createOutputs(): Outputs {
  return {
    checkpointsGone: [],
    checkpoints: [],
    revisions: [],
    tripsGone: [],
    trips: [],
    handles: [],
    drivingEventsGone: [],
    drivingEvents: [],
    totals: new Map(),
  };
}

/** A trip before the batch; without columns if only its handle is known and the trip has grown. */
export interface OldTrip extends LiveTrip {
  readonly revision: number;
  readonly columns: TripColumns | undefined;
  readonly startedAtMs: number;
  /** Whether the trip may already have been reported as closed. */
  readonly wasClosed: boolean;
}

/**
 * Compares the previous and the new facts of a stretch and records the differences.
 * @param nextId returns a handle that was never used before
 * @returns the open trip as its row will be, or undefined if none is open
 */
export function settle(
  device: Owner,
  stretch: Pick<
    Refold,
    | 'oldDrivingEvents'
    | 'oldCheckpoints'
    | 'spareHandles'
    | 'drivingEvents'
    | 'checkpoints'
    | 'keys'
  >,
  oldTrips: readonly OldTrip[],
  trips: readonly TripFacts[],
  outputs: Outputs,
  nextId: () => number,
): OpenTripRow | undefined {
  settleCheckpoints(device, stretch, outputs);
  settleDrivingEvents(device, stretch, outputs);
  const choices = chooseHandles(trips, oldTrips, stretch.spareHandles, (a, b) =>
    countShared(stretch.keys, a, b),
  );
  const borne = new Set(choices.map((choice) => choice.id));
  for (const old of oldTrips) if (!borne.has(old.id)) removeTrip(old, outputs);
  let open: OpenTripRow | undefined;
  trips.forEach((trip, i) => {
    const choice = choices[i]!;
    const spare = stretch.spareHandles.find((handle) => handle.id === choice.id);
    const firstRevision = (spare?.revision ?? 0) + 1;
    const row = settleTrip(device, trip, choice, firstRevision, oldTrips, outputs, nextId);
    if (!trip.decidedBy) open = row;
  });
  return open;
}

function settleTrip(
  device: Owner,
  trip: TripFacts,
  choice: HandleChoice,
  firstRevision: number,
  oldTrips: readonly OldTrip[],
  outputs: Outputs,
  nextId: () => number,
): OpenTripRow {
  const columns = tripToColumns(device.id, trip, attributionAt(device, trip.startedAtMs));
  const id = choice.id ?? nextId();
  if (choice.id === undefined || choice.moved) {
    outputs.handles.push({ id, deviceId: device.id, ...keyToColumns(trip.anchor) });
  }
  const old = oldTrips.find((candidate) => candidate.id === id);
  const unchanged = old?.columns && isDeepStrictEqual(old.columns, columns);
  const isRevised =
    old !== undefined && (old.wasClosed ? !looksTheSame(old, trip, columns) : isLost(old, columns));
  const revision = (old?.revision ?? firstRevision) + (isRevised ? 1 : 0);
  if (!unchanged) {
    if (isRevised) outputs.revisions.push({ id, withdrawn: false });
    if (old && old.startedAtMs !== trip.startedAtMs) outputs.tripsGone.push(id);
    if (old?.columns) addTotals(old.columns, -1, outputs);
    addTotals(columns, 1, outputs);
    outputs.trips.push({ ...columns, id, revision });
  }
  return {
    id,
    revision,
    startedAtMs: trip.startedAtMs,
    endedAtMs: trip.endedAtMs,
    closesAtMs: trip.closesAtMs,
    anchor: trip.anchor,
    last: trip.last,
  };
}

/**
 * Whether a trip that was already reported as closed has the same facts as before for its readers: which
 * event closed it, and until when it waited for one, are not shown. A trip that silence closed was
 * reported with that reason before an event confirmed it.
 */
function looksTheSame(old: OldTrip, trip: TripFacts, columns: TripColumns): boolean {
  if (old.columns) return isDeepStrictEqual(shownOf(old.columns), shownOf(columns));
  const hasGrown = old.startedAtMs !== trip.startedAtMs || compareKeys(old.last, trip.last) !== 0;
  return !hasGrown && trip.endReason === 'SILENCE';
}

function shownOf(columns: TripColumns) {
  const {
    decided_sec: _,
    decided_rest: __,
    closes_at: ___,
    end_reason: endReason,
    ...shown
  } = columns;
  return { ...shown, end_reason: endReason ?? 'SILENCE' };
}

/** Whether a tenant, driver or vehicle loses a trip that is still open; its old state says whose it was. */
function isLost({ columns: old }: OldTrip, columns: TripColumns): boolean {
  return (
    old !== undefined &&
    (['tenant_id', 'driver_id', 'vehicle_id'] as const).some(
      (name) => old[name] !== null && old[name] !== columns[name],
    )
  );
}

/** Keeps the last facts of a removed trip as a revision, because clients may hold its id. */
function removeTrip(old: OldTrip, outputs: Outputs): void {
  outputs.revisions.push({ id: old.id, withdrawn: true });
  if (old.columns) addTotals(old.columns, -1, outputs);
  outputs.tripsGone.push(old.id);
}

/** Roll-ups hold only trips that a later event closed; an open trip is added when totals are read. */
function addTotals(trip: TripColumns, sign: 1 | -1, { totals }: Outputs): void {
  if (trip.decided_sec === null) return;
  for (const day of trip.days) {
    const key = `${trip.device_id} ${trip.tenant_id} ${trip.assignment_id} ${day.localDate}`;
    const sum = totals.get(key);
    const measures: Record<string, number> = { ...sum?.measures };
    for (const [name, value] of Object.entries(day.measures)) {
      measures[name] = (measures[name] ?? 0) + sign * value;
    }
    totals.set(key, {
      device_id: trip.device_id,
      tenant_id: trip.tenant_id,
      assignment_id: trip.assignment_id ?? 0,
      driver_id: trip.driver_id,
      vehicle_id: trip.vehicle_id,
      local_date: day.localDate,
      trips: (sum?.trips ?? 0) + (day.localDate === trip.local_date ? sign : 0),
      distance_m: (sum?.distance_m ?? 0) + sign * day.distanceM,
      duration_ms: (sum?.duration_ms ?? 0) + sign * day.durationMs,
      moving_ms: (sum?.moving_ms ?? 0) + sign * day.movingMs,
      idle_ms: (sum?.idle_ms ?? 0) + sign * day.idleMs,
      night_m: (sum?.night_m ?? 0) + sign * day.nightM,
      measures,
    });
  }
}

function settleCheckpoints(
  device: Owner,
  { oldCheckpoints, checkpoints }: Pick<Refold, 'oldCheckpoints' | 'checkpoints'>,
  outputs: Outputs,
): void {
  for (const key of oldCheckpoints)
    outputs.checkpointsGone.push({ deviceId: device.id, ...keyToColumns(key) });
  for (const { key, state } of checkpoints) {
    outputs.checkpoints.push({ deviceId: device.id, ...keyToColumns(key), state });
  }
}

function settleDrivingEvents(
  device: Owner,
  { oldDrivingEvents, drivingEvents }: Pick<Refold, 'oldDrivingEvents' | 'drivingEvents'>,
  outputs: Outputs,
): void {
  const keyOf = (e: DrivingEventColumns) => `${e.at} ${e.kind} ${e.source}`;
  const old = new Map(oldDrivingEvents.map((event) => [keyOf(event), event]));
  for (const event of drivingEvents) {
    const columns = drivingEventToColumns(
      device.id,
      event,
      attributionAt(device, event.tripStartedAtMs),
    );
    const before = old.get(keyOf(columns));
    old.delete(keyOf(columns));
    if (!isDeepStrictEqual(before, columns)) outputs.drivingEvents.push(columns);
  }
  outputs.drivingEventsGone.push(...old.values());
}

/** Counts the events of an ordered list that lie in both spans. */
function countShared(keys: readonly EventKey[], a: TripSpan, b: TripSpan): number {
  const from = compareKeys(a.anchor, b.anchor) > 0 ? a.anchor : b.anchor;
  const to = compareKeys(a.last, b.last) < 0 ? a.last : b.last;
  return keys.filter((key) => compareKeys(from, key) <= 0 && compareKeys(key, to) <= 0).length;
}
