import { encodeState, openTrip } from '../core/advance.ts';
import type { CanonicalEvent } from '../core/event.ts';
import { compareKeys } from '../core/event.ts';
import type { Commit, DeviceMove, KeyOfDevice, OffsetMove } from '../store/ingest/commit.ts';
import type { LeftOutMove } from '../store/ingest/left-out.ts';
import type { EventRow } from '../store/rows.ts';
import { encodeCopy, keyToColumns, secOf } from '../store/rows.ts';
import type { SinkContext, PartitionBatch } from './context.ts';
import type { CachedDevice } from './cache.ts';
import type { Divided } from './dead-letter-budget.ts';
import type { LeftOutOfDevice } from './decode.ts';
import { recordDigest } from './log-identity.ts';
import type { Refold } from './repair.ts';
import type { OldTrip, Outputs } from './settle.ts';
import { createOutputs, settle } from './settle.ts';
import type { Stretch } from './stretch.ts';

/** What a batch does to one device. */
export interface DeviceFold {
  readonly device: CachedDevice;
  readonly refolds: readonly Refold[];
  /** Events that follow the head, folded on its state; absent where a refold reached the head. */
  readonly forward: Stretch | undefined;
  /** Events that were not stored before, in order. */
  readonly inserted: readonly CanonicalEvent[];
  /** How many of them are older than the device's previous head. */
  readonly late: number;
  readonly duplicates: number;
}

/** Upper bound of the handles that a device's trips may need. */
export function countTrips({ refolds, forward }: DeviceFold): number {
  return (
    refolds.reduce((sum, r) => sum + r.closed.length + 1, 0) + (forward?.closed.length ?? 0) + 1
  );
}

/** Turns the folds of a batch into what one transaction writes. */
export function assemble(
  sink: SinkContext,
  partitions: readonly PartitionBatch[],
  { kept, overflow }: Divided,
  leftOut: readonly LeftOutOfDevice[],
  folds: readonly DeviceFold[],
) {
  const now = sink.now();
  const outputs = createOutputs();
  const changed = folds
    .filter((fold) => fold.inserted.length > 0)
    .sort((a, b) => a.device.id - b.device.id);
  const moved = changed.map((fold) => settleDevice(sink, fold, now, outputs));
  const rows: EventRow[] = [];
  const lateEvents: (KeyOfDevice & { version: number })[] = [];
  const secs = new Set<number>();
  for (const { device, inserted, late } of changed) {
    const version = device.version + 1;
    for (const event of inserted) {
      rows.push({ deviceId: device.id, event });
      secs.add(secOf(event.atMs));
    }
    for (const event of inserted.slice(0, late)) {
      lateEvents.push({ deviceId: device.id, version, ...keyToColumns(event) });
    }
  }
  const { totals, ...lists } = outputs;
  const batch: Commit = {
    topic: sink.topic,
    rulesRows: sink.rules.rows,
    offsets: partitions.map((partition) => toOffsetMove(partition)),
    devices: moved.map((device) => toDeviceMove(device, now)),
    events: { rows: rows.length, copy: encodeCopy(rows) },
    lateEvents,
    deadLetters: kept,
    overflow,
    leftOut: toLeftOutMoves(leftOut, folds),
    ...lists,
    totals: [...totals.values()],
  };
  const result = {
    events: rows.length,
    duplicates: folds.reduce((sum, fold) => sum + fold.duplicates, 0),
    late: lateEvents.length,
    records: partitions.reduce((sum, { records }) => sum + records.length, 0),
    repairedDevices: folds.filter(({ refolds }) => refolds.length > 0).length,
  };
  return { batch: { commit: batch, secs }, moved, result };
}

function toLeftOutMoves(
  leftOut: readonly LeftOutOfDevice[],
  folds: readonly DeviceFold[],
): LeftOutMove[] {
  if (leftOut.length === 0) return [];
  const ids = new Map(folds.map(({ device }) => [device.externalId, device.id]));
  return leftOut.map(({ externalId, ...sum }) => ({ ...sum, deviceId: ids.get(externalId)! }));
}

/** Adds what a device's fold changed to the outputs. @returns the device as it is once they are committed */
function settleDevice(
  sink: SinkContext,
  fold: DeviceFold,
  now: number,
  outputs: Outputs,
): CachedDevice {
  const { device, refolds, forward, inserted } = fold;
  let open = device.openTrip;
  for (const refold of refolds) {
    const old = refold.oldTrips.map((trip): OldTrip => ({
      ...trip,
      startedAtMs: Date.parse(trip.columns.started_at),
      wasClosed: trip.decidedBy !== undefined || isSilent(device, now),
    }));
    const trips = [...refold.closed, ...(refold.head ? openTripOf(sink, refold.head) : [])];
    const settled = settle(device, refold, old, trips, outputs, sink.ids.next);
    if (refold.head) open = settled;
  }
  if (forward) {
    const stretch = {
      ...forward,
      oldDrivingEvents: [],
      oldCheckpoints: [],
      spareHandles: [],
      keys: [],
    };
    const old = open ? [{ ...open, columns: undefined, wasClosed: isSilent(device, now) }] : [];
    const trips = [...forward.closed, ...openTripOf(sink, forward)];
    open = settle(device, stretch, old, trips, outputs, sink.ids.next);
  }
  const head = refolds.find((refold) => refold.head)?.head ?? forward;
  const last = inserted.at(-1)!;
  const isNewHead = !device.head || compareKeys(last, device.head) > 0;
  return {
    ...device,
    version: device.version + 1,
    head: isNewHead ? { atMs: last.atMs, digest: last.digest } : device.head,
    state: head?.state ?? device.state,
    sinceCheckpoint: head?.sinceCheckpoint ?? device.sinceCheckpoint,
    arrivedAtMs: isNewHead ? now : device.arrivedAtMs,
    openTrip: open,
  };
}

function openTripOf(sink: SinkContext, { state }: Stretch) {
  const trip = openTrip(state, sink.rules.fold);
  return trip ? [trip] : [];
}

/** Whether the API may have reported the open trip as closed because its device was silent for so long. */
function isSilent({ openTrip: trip, arrivedAtMs }: CachedDevice, now: number): boolean {
  return (
    trip !== undefined &&
    arrivedAtMs !== undefined &&
    now - arrivedAtMs > trip.closesAtMs - trip.endedAtMs
  );
}

function toOffsetMove({ partition, from, to, records }: PartitionBatch): OffsetMove {
  const last = records.at(-1);
  return {
    partition,
    from,
    to,
    last: last && { offset: last.offset, digest: recordDigest(last) },
  };
}

function toDeviceMove(device: CachedDevice, now: number): DeviceMove {
  return {
    deviceId: device.id,
    version: device.version - 1,
    head: device.head && keyToColumns(device.head),
    state: encodeState(device.state),
    arrivedAtMs: device.arrivedAtMs ?? now,
    sinceCheckpoint: device.sinceCheckpoint,
  };
}
