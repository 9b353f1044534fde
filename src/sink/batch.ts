import { decodeState, emptyState } from '../core/advance.ts';
import { compareKeys } from '../core/event.ts';
import type { Commit } from '../store/ingest/commit.ts';
import { commit } from '../store/ingest/commit.ts';
import type { StoredDevice } from '../store/ingest/devices.ts';
import { loadDevices } from '../store/ingest/devices.ts';
import { readSpans } from '../store/ingest/spans.ts';
import type { DeviceFold } from './assemble.ts';
import { assemble, countTrips } from './assemble.ts';
import type { BatchResult, Bench, PartitionBatch } from './bench.ts';
import type { CachedDevice } from './cache.ts';
import type { DecodedBatch } from './decode.ts';
import { decodeAll } from './decode.ts';
import type { Repair } from './repair.ts';
import { rebuildState, repair } from './repair.ts';
import type { Stretch } from './stretch.ts';
import { createStretch, foldNext } from './stretch.ts';

/** A batch that is folded and not yet written. */
export interface PreparedBatch {
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

async function wake(bench: Bench, { state, ...row }: StoredDevice): Promise<CachedDevice> {
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
