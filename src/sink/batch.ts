import { decodeState, emptyState } from '../core/advance.ts';
import type { CanonicalEvent } from '../core/event.ts';
import { compareKeys } from '../core/event.ts';
import type { Commit } from '../store/ingest/commit.ts';
import { commit } from '../store/ingest/commit.ts';
import type { StoredDevice } from '../store/ingest/devices.ts';
import { loadDevices } from '../store/ingest/devices.ts';
import type { SpanRequest } from '../store/ingest/spans.ts';
import { readSpans } from '../store/ingest/spans.ts';
import type { DeviceFold } from './assemble.ts';
import { assemble, countTrips } from './assemble.ts';
import type { BatchResult, PartitionBatch, SinkContext } from './context.ts';
import type { CachedDevice } from './cache.ts';
import type { Divided } from './dead-letter-budget.ts';
import type { DecodedBatch } from './decode.ts';
import { decodeAll, loadSchemas } from './decode.ts';
import type { Repair } from './repair.ts';
import { rebuildState, repair } from './repair.ts';
import type { Stretch } from './stretch.ts';
import { createStretch, foldNext } from './stretch.ts';

/** A batch that is folded but not yet written. */
export interface PreparedBatch {
  readonly commit: Commit;
  /** Seconds since 2000 of its events. */
  readonly secs: ReadonlySet<number>;
  readonly externalIds: readonly string[];
  readonly result: BatchResult;
}

/**
 * Folds a batch: from records to what one transaction writes. The cached devices are updated at once,
 * so that the next batch can be folded while this one is written.
 *
 * @param settled resolves when every earlier batch is written; awaited before reading the store, which
 *   must contain them
 */
export async function prepareBatch(
  sink: SinkContext,
  partitions: readonly PartitionBatch[],
  settled: () => Promise<void>,
): Promise<PreparedBatch> {
  await loadSchemas(sink, partitions);
  const decoded = decodeAll(sink, partitions);
  const externalIds = [...decoded.events.keys()];
  try {
    const devices = await loadAll(sink, externalIds, settled);
    const folds = await foldAll(sink, devices, decoded.events, settled);
    await sink.ids.reserve(folds.reduce((sum, fold) => sum + countTrips(fold), 0));
    const letters = await sink.deadLetters.divide(decoded.deadLetters);
    const { batch, moved, result } = assemble(sink, partitions, letters, decoded.leftOut, folds);
    moved.forEach((device) => sink.cache.set(device));
    return {
      ...batch,
      externalIds,
      result: { ...result, ...countDecoded(decoded, letters) },
    };
  } catch (error) {
    forget(sink, externalIds);
    throw error;
  }
}

function countDecoded({ deadLetters, unknownFields, leftOut }: DecodedBatch, { kept }: Divided) {
  const byReason = new Map<string, number>();
  for (const { reason } of deadLetters) byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
  return {
    deadLetters: byReason,
    deadLettersNotKept: deadLetters.length - kept.length,
    unknownFields,
    leftOut: leftOut.map(({ field, reason, count }) => ({ field, reason, count })),
  };
}

/**
 * Writes a folded batch in one transaction.
 * @throws FencedError if another sink was faster. Nothing is written then, and the batch's devices are
 *   dropped from the cache, so that the same records can be folded again.
 */
export async function commitBatch(sink: SinkContext, prepared: PreparedBatch): Promise<void> {
  try {
    await sink.ensurePartitions(prepared.secs);
    await commit(sink.store, prepared.commit);
  } catch (error) {
    forget(sink, prepared.externalIds);
    throw error;
  }
}

/** States are folded in place, so a state that was not committed must not be used again. */
export function forget(sink: SinkContext, externalIds: readonly string[]): void {
  externalIds.forEach((id) => sink.cache.delete(id));
}

async function loadAll(
  sink: SinkContext,
  externalIds: readonly string[],
  settled: () => Promise<void>,
): Promise<CachedDevice[]> {
  const cached = externalIds.map((id) => sink.cache.get(id));
  const missing = externalIds.filter((_, i) => !cached[i]);
  if (missing.length > 0) await settled();
  const rows = missing.length > 0 ? await loadDevices(sink.store, missing) : [];
  const loaded = await Promise.all(rows.map((row) => wake(sink, row)));
  return [...cached.filter((device) => device !== undefined), ...loaded];
}

async function wake(sink: SinkContext, { state, ...row }: StoredDevice): Promise<CachedDevice> {
  if (!state || !row.head) return { ...row, state: emptyState() };
  const known = decodeState(state);
  return {
    ...row,
    state: known ?? (await rebuildState(row.id, row.head, reader(sink), sink.rules.fold)),
  };
}

function reader(sink: SinkContext) {
  return async (request: SpanRequest) => {
    sink.progress();
    return (await readSpans(sink.store, [request]))[0]!;
  };
}

/** Devices whose past is read in one statement, … */
const LATE_DEVICES = 50;
/** … and events of each: most late events converge within a few hundred. */
const FIRST_PAGE_EVENTS = 400;

async function foldAll(
  sink: SinkContext,
  devices: readonly CachedDevice[],
  events: DecodedBatch['events'],
  settled: () => Promise<void>,
): Promise<DeviceFold[]> {
  const folds: DeviceFold[] = [];
  const late: CachedDevice[] = [];
  for (const device of devices) {
    const all = events.get(device.externalId)!;
    if (device.head && compareKeys(all[0]!, device.head) <= 0) late.push(device);
    else folds.push(foldDevice(sink, device, all, { refolds: [], folded: [], fresh: all }));
  }
  if (late.length > 0) await settled();
  // The past of all of them at once could be more than fits into memory.
  for (let at = 0; at < late.length; at += LATE_DEVICES) {
    const some = late.slice(at, at + LATE_DEVICES);
    const first = (device: CachedDevice) => events.get(device.externalId)!;
    const requests = some.map((device) => ({ deviceId: device.id, before: first(device)[0]! }));
    const read = await readSpans(sink.store, requests, FIRST_PAGE_EVENTS);
    const spans = new Map(read.map((span) => [span.deviceId, span]));
    for (const device of some) {
      const span = spans.get(device.id)!;
      spans.delete(device.id);
      const { head, id } = device;
      const all = first(device);
      const repaired = await repair(id, head!, all, span, reader(sink), sink.rules.fold);
      folds.push(foldDevice(sink, device, all, repaired));
    }
    sink.progress();
  }
  return folds;
}

/** What is left to fold after the repair, onto the device's head. */
function foldDevice(
  sink: SinkContext,
  device: CachedDevice,
  all: readonly CanonicalEvent[],
  { refolds, folded, fresh }: Repair,
): DeviceFold {
  const { head } = device;
  let forward: Stretch | undefined;
  if (fresh.length > 0 && !refolds.some((refold) => refold.head)) {
    forward = createStretch(device.state, device.sinceCheckpoint);
    for (const event of fresh) foldNext(forward, event, sink.rules.fold);
  }
  const inserted = folded.concat(fresh);
  const late = head ? inserted.filter((event) => compareKeys(event, head) <= 0).length : 0;
  const duplicates = all.length - inserted.length;
  return { device, refolds, forward, inserted, late, duplicates };
}
