import { decodeState, emptyState, encodeState, openTrip } from '../core/advance.ts';
import type { FoldContext } from '../core/advance.ts';
import type { DecodeSettings } from '../core/decode/format.ts';
import { decodeRecord } from '../core/decode/record.ts';
import type { CanonicalEvent } from '../core/event.ts';
import { compareKeys } from '../core/event.ts';
import type { LogRecord } from '../kafka.ts';
import type { Commit, DeadLetter, DeviceMove, KeyOfDevice, OffsetMove } from '../store/commit.ts';
import { commit } from '../store/commit.ts';
import type { DeviceRow } from '../store/devices.ts';
import { loadDevices } from '../store/devices.ts';
import type { IdBlocks } from '../store/ids.ts';
import type { Store } from '../store/open.ts';
import type { EventRow } from '../store/rows.ts';
import { encodeCopy, keyToColumns, secOf } from '../store/rows.ts';
import { readSpans } from '../store/spans.ts';
import type { CachedDevice, DeviceCache } from './cache.ts';
import { recordDigest } from './log-identity.ts';
import type { Refold, Repair } from './repair.ts';
import { rebuildState, repair } from './repair.ts';
import type { OldTrip, Outputs } from './settle.ts';
import { createOutputs, settle } from './settle.ts';
import type { Stretch } from './stretch.ts';
import { createStretch, foldNext } from './stretch.ts';

/** What a sink works with; everything that is not a pure function of the batch. */
export interface Bench {
  readonly store: Store;
  readonly topic: string;
  readonly decoding: DecodeSettings;
  readonly context: FoldContext;
  /** Rows of `rules` that `context` was made of. */
  readonly rulesRows: number;
  readonly cache: DeviceCache;
  readonly ids: IdBlocks;
  readonly now: () => number;
  /** Makes the partitions of the event table that these seconds since 2000 fall in. */
  readonly ensurePartitions: (secs: Iterable<number>) => Promise<void>;
}

/** Records of one partition that follow the stored offset. */
export interface PartitionBatch {
  readonly partition: number;
  /** The stored offset; the records begin at it, or behind a hole of the log. */
  readonly from: number;
  readonly records: readonly LogRecord[];
}

export interface BatchResult {
  readonly events: number;
  readonly duplicates: number;
  readonly late: number;
  readonly deadLetters: number;
  readonly unknownFields: number;
}

/** A batch that is folded and not yet written. */
export interface PreparedBatch {
  readonly partitions: readonly PartitionBatch[];
  readonly commit: Commit;
  /** Seconds since 2000 of its events. */
  readonly secs: ReadonlySet<number>;
  readonly externalIds: readonly string[];
  readonly result: BatchResult;
}

/**
 * Folds a batch: from records to what one transaction writes. The devices in the cache move on with
 * it, so that the next batch can be folded while this one is written.
 *
 * @param settled resolves when every batch folded before is written; waited for before the store is
 *   read, which must know them
 */
export async function prepareBatch(
  bench: Bench,
  partitions: readonly PartitionBatch[],
  settled: () => Promise<void>,
): Promise<PreparedBatch> {
  const decoded = decodeAll(bench, partitions);
  const externalIds = [...decoded.events.keys()];
  try {
    const devices = await loadAll(bench, externalIds, settled);
    const folds = await foldAll(bench, devices, decoded.events, settled);
    await bench.ids.reserve(folds.reduce((sum, fold) => sum + countTrips(fold), 0));
    const { batch, moved, result } = assemble(bench, partitions, decoded.deadLetters, folds);
    moved.forEach((device) => bench.cache.set(device));
    return {
      partitions,
      ...batch,
      externalIds,
      result: { ...result, unknownFields: decoded.unknownFields },
    };
  } catch (error) {
    forget(bench, externalIds);
    throw error;
  }
}

/**
 * Writes a folded batch in one transaction.
 * @throws FencedError where somebody else was faster; nothing is written then, and the devices of the
 *   batch are forgotten, so that the same records can be tried again.
 */
export async function commitBatch(bench: Bench, prepared: PreparedBatch): Promise<void> {
  try {
    await bench.ensurePartitions(prepared.secs);
    await commit(bench.store, prepared.commit);
  } catch (error) {
    forget(bench, prepared.externalIds);
    throw error;
  }
}

/** States are folded in place: what is not committed must not be folded on. */
export function forget(bench: Bench, externalIds: readonly string[]): void {
  externalIds.forEach((id) => bench.cache.delete(id));
}

/** One batch, from records to one committed transaction; throws as `commitBatch` does. */
export async function processBatch(
  bench: Bench,
  partitions: readonly PartitionBatch[],
): Promise<BatchResult> {
  const prepared = await prepareBatch(bench, partitions, async () => undefined);
  await commitBatch(bench, prepared);
  return prepared.result;
}

interface DecodedBatch {
  /** New to this batch or not, by device, each list in the device's order without repetitions. */
  readonly events: ReadonlyMap<string, readonly CanonicalEvent[]>;
  readonly deadLetters: readonly DeadLetter[];
  readonly unknownFields: number;
}

function decodeAll(bench: Bench, partitions: readonly PartitionBatch[]): DecodedBatch {
  const events = new Map<string, CanonicalEvent[]>();
  const deadLetters: DeadLetter[] = [];
  let unknownFields = 0;
  const now = bench.now();
  for (const { records } of partitions)
    for (const record of records) {
      const timestampMs = Math.min(record.timestampMs ?? now, now);
      const decoded = decodeRecord(
        { value: record.value, contentType: contentTypeOf(record), timestampMs },
        bench.decoding,
      );
      if (decoded.ok) {
        unknownFields += decoded.unknownFields;
        const { deviceId, event } = decoded.value;
        const list = events.get(deviceId);
        if (list) list.push(event);
        else events.set(deviceId, [event]);
      } else {
        const { partition, offset, key, value, headers } = record;
        const { reason, message } = decoded;
        deadLetters.push({
          partition,
          offset,
          atMs: timestampMs,
          key,
          value,
          headers,
          reason,
          message,
        });
      }
    }
  for (const [deviceId, list] of events) events.set(deviceId, inOrder(list));
  return { events, deadLetters, unknownFields };
}

function contentTypeOf(record: LogRecord): string | undefined {
  return record.headers['content-type']?.split(';', 1)[0]!.trim().toLowerCase();
}

/** A device's events sorted by key, each key once; mostly they come that way. */
function inOrder(events: CanonicalEvent[]): CanonicalEvent[] {
  const isOrdered = events.every((e, i) => i === 0 || compareKeys(events[i - 1]!, e) < 0);
  if (isOrdered) return events;
  return events
    .sort(compareKeys)
    .filter((e, i, sorted) => i === 0 || compareKeys(sorted[i - 1]!, e) !== 0);
}

async function loadAll(
  bench: Bench,
  externalIds: readonly string[],
  settled: () => Promise<void>,
): Promise<CachedDevice[]> {
  const cached = externalIds.map((id) => bench.cache.get(id));
  const missing = externalIds.filter((_, i) => !cached[i]);
  if (missing.length > 0) await settled();
  const rows = missing.length > 0 ? await loadDevices(bench.store, missing) : [];
  const loaded = await Promise.all(rows.map((row) => wake(bench, row)));
  return [...cached.filter((device) => device !== undefined), ...loaded];
}

async function wake(bench: Bench, { state, ...row }: DeviceRow): Promise<CachedDevice> {
  if (!state || !row.head) return { ...row, state: emptyState() };
  const known = decodeState(state);
  return {
    ...row,
    state: known ?? (await rebuildState(row.id, row.head, reader(bench), bench.context)),
  };
}

function reader(bench: Bench) {
  return async (request: Parameters<typeof readSpans>[1][number]) =>
    (await readSpans(bench.store, [request]))[0]!;
}

/** What a batch does to one device. */
interface DeviceFold {
  readonly device: CachedDevice;
  readonly refolds: readonly Refold[];
  /** Events that follow the head, folded on its state; absent where a refold reached the head. */
  readonly forward: Stretch | undefined;
  /** Events not stored before, in order. */
  readonly inserted: readonly CanonicalEvent[];
  /** How many of them lie below the head that stood. */
  readonly late: number;
  readonly duplicates: number;
}

async function foldAll(
  bench: Bench,
  devices: readonly CachedDevice[],
  events: DecodedBatch['events'],
  settled: () => Promise<void>,
): Promise<DeviceFold[]> {
  const isLate = (device: CachedDevice) =>
    device.head !== undefined && compareKeys(events.get(device.externalId)![0]!, device.head) <= 0;
  const lateDevices = devices.filter(isLate);
  if (lateDevices.length > 0) await settled();
  const spans = new Map(
    lateDevices.length === 0
      ? []
      : (
          await readSpans(
            bench.store,
            lateDevices.map((device) => ({
              deviceId: device.id,
              before: events.get(device.externalId)![0]!,
            })),
          )
        ).map((span) => [span.deviceId, span]),
  );
  const folds: DeviceFold[] = [];
  for (const device of devices) {
    const all = events.get(device.externalId)!;
    const span = spans.get(device.id);
    const repaired: Repair = span
      ? await repair(device.id, device.head!, all, span, reader(bench), bench.context)
      : { refolds: [], folded: [], fresh: all };
    const reachedHead = repaired.refolds.some((refold) => refold.head);
    let forward: Stretch | undefined;
    if (!reachedHead && repaired.fresh.length > 0) {
      forward = createStretch(device.state, device.sinceCheckpoint);
      for (const event of repaired.fresh) foldNext(forward, event, bench.context);
    }
    const inserted = [...repaired.folded, ...repaired.fresh];
    const late = device.head ? inserted.filter((e) => compareKeys(e, device.head!) <= 0).length : 0;
    folds.push({
      device,
      refolds: repaired.refolds,
      forward,
      inserted,
      late,
      duplicates: all.length - inserted.length,
    });
  }
  return folds;
}

function countTrips({ refolds, forward }: DeviceFold): number {
  return (
    refolds.reduce((sum, r) => sum + r.closed.length + 1, 0) + (forward?.closed.length ?? 0) + 1
  );
}

function assemble(
  bench: Bench,
  partitions: readonly PartitionBatch[],
  deadLetters: readonly DeadLetter[],
  folds: readonly DeviceFold[],
) {
  const now = bench.now();
  const outputs = createOutputs();
  const changed = folds
    .filter((fold) => fold.inserted.length > 0)
    .sort((a, b) => a.device.id - b.device.id);
  const moved = changed.map((fold) => settleDevice(bench, fold, now, outputs));
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
    topic: bench.topic,
    rulesRows: bench.rulesRows,
    offsets: partitions.map(toOffsetMove),
    devices: moved.map((device) => toDeviceMove(device, now)),
    events: { rows: rows.length, copy: encodeCopy(rows) },
    lateEvents,
    deadLetters,
    ...lists,
    totals: [...totals.values()],
  };
  const result = {
    events: rows.length,
    duplicates: folds.reduce((sum, fold) => sum + fold.duplicates, 0),
    late: lateEvents.length,
    deadLetters: deadLetters.length,
  };
  return { batch: { commit: batch, secs }, moved, result };
}

/** Adds what a device's fold changed to the outputs; the device as it stands when they are committed. */
function settleDevice(bench: Bench, fold: DeviceFold, now: number, outputs: Outputs): CachedDevice {
  const { device, refolds, forward, inserted } = fold;
  let open = device.openTrip;
  for (const refold of refolds) {
    const old = refold.oldTrips.map((trip): OldTrip => ({
      ...trip,
      startedAtMs: Date.parse(trip.columns.started_at),
      wasClosed: trip.decidedBy !== undefined || isSilent(device, now),
    }));
    const trips = [...refold.closed, ...(refold.head ? openTripOf(bench, refold.head) : [])];
    const settled = settle(device, refold, old, trips, outputs, bench.ids.next);
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
    const trips = [...forward.closed, ...openTripOf(bench, forward)];
    open = settle(device, stretch, old, trips, outputs, bench.ids.next);
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

function openTripOf(bench: Bench, { state }: Stretch) {
  const trip = openTrip(state, bench.context);
  return trip ? [trip] : [];
}

/** Whether people may have been told that the open trip has ended, its device having been silent so long. */
function isSilent({ openTrip: trip, arrivedAtMs }: CachedDevice, now: number): boolean {
  return (
    trip !== undefined &&
    arrivedAtMs !== undefined &&
    now - arrivedAtMs > trip.closesAtMs - trip.endedAtMs
  );
}

function toOffsetMove({ partition, from, records }: PartitionBatch): OffsetMove {
  const last = records.at(-1)!;
  return {
    partition,
    from,
    to: last.offset + 1,
    lastTimestampMs: last.timestampMs,
    lastDigest: recordDigest(last),
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
