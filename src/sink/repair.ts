import type { DeviceState, FoldContext } from '../core/advance.ts';
import { decodeState, emptyState, encodeState } from '../core/advance.ts';
import type { DrivingEventFacts, TripFacts } from '../core/changes.ts';
import type { CanonicalEvent, EventKey } from '../core/event.ts';
import { compareKeys } from '../core/event.ts';
import type { DrivingEventColumns } from '../store/rows.ts';
import type {
  SpareHandle,
  EventSpan,
  SpanRequest,
  StoredCheckpoint,
  StoredTrip,
} from '../store/ingest/spans.ts';
import type { Stretch } from './stretch.ts';
import { createStretch, foldNext } from './stretch.ts';

/** What a stretch of a device's past said, and what it says now. */
export interface Refold {
  readonly oldTrips: readonly StoredTrip[];
  readonly oldDrivingEvents: readonly DrivingEventColumns[];
  readonly oldCheckpoints: readonly EventKey[];
  readonly spareHandles: readonly SpareHandle[];
  readonly closed: readonly TripFacts[];
  readonly drivingEvents: readonly DrivingEventFacts[];
  readonly checkpoints: readonly StoredCheckpoint[];
  /** Keys of the events folded, in order, to count what two trips share. */
  readonly keys: readonly EventKey[];
  /** Present where the stretch reaches the device's new head: the state there. */
  readonly head?: Stretch;
}

export interface Repair {
  readonly refolds: readonly Refold[];
  /** Events that were not stored yet and are folded now, in order. */
  readonly folded: readonly CanonicalEvent[];
  /** Events above the head that still have to be folded on the head's state. */
  readonly fresh: readonly CanonicalEvent[];
}

export type ReadSpan = (request: SpanRequest) => Promise<EventSpan>;

/**
 * Folds late events into a device's past: from the last checkpoint before them forward, until all
 * are folded and the state is, byte for byte, the one of a stored checkpoint, or the head is reached.
 *
 * @param events new ones in order, no two of one key, the first below `head`
 * @param first the span from the last checkpoint before the first event
 */
export async function repair(
  deviceId: number,
  head: EventKey,
  events: readonly CanonicalEvent[],
  first: EventSpan,
  read: ReadSpan,
  context: FoldContext,
): Promise<Repair> {
  const refolds: Refold[] = [];
  const allFolded: CanonicalEvent[] = [];
  let pending = events;
  let span: EventSpan | undefined = first;
  while (pending.length > 0 && compareKeys(pending[0]!, head) <= 0) {
    span ??= await read({ deviceId, before: pending[0]! });
    const { refold, folded, rest } = await refoldFrom(span, pending, read, context);
    span = undefined;
    if (folded.length > 0) refolds.push(refold);
    allFolded.push(...folded);
    pending = rest;
  }
  return { refolds, folded: allFolded, fresh: pending };
}

interface RefoldStep {
  readonly refold: Refold;
  /** The new events that it took in; those already stored are left out. */
  readonly folded: readonly CanonicalEvent[];
  /** The new events behind the place where the state converged. */
  readonly rest: readonly CanonicalEvent[];
}

async function refoldFrom(
  first: EventSpan,
  events: readonly CanonicalEvent[],
  read: ReadSpan,
  context: FoldContext,
): Promise<RefoldStep> {
  const { deviceId } = first;
  const state = first.from
    ? (decodeState(first.from.state) ??
      (await rebuildState(deviceId, first.from.key, read, context)))
    : emptyState();
  const stretch = createStretch(state, 0);
  const keys: EventKey[] = [];
  const folded: CanonicalEvent[] = [];
  const spans: EventSpan[] = [];
  let next = 0;
  const feed = (event: CanonicalEvent) => {
    foldNext(stretch, event, context);
    keys.push(event);
  };
  const feedNew = () => {
    folded.push(events[next]!);
    feed(events[next]!);
    next += 1;
  };
  for (let span = first; ; span = await read({ deviceId, after: spans.at(-1)!.events.at(-1)! })) {
    spans.push(span);
    const checkpoints = new Map(span.checkpoints.map((c) => [keyText(c.key), c.state]));
    for (const stored of span.events) {
      while (next < events.length && compareKeys(events[next]!, stored) < 0) feedNew();
      if (next < events.length && compareKeys(events[next]!, stored) === 0) next += 1;
      feed(stored);
      const checkpoint = checkpoints.get(keyText(stored));
      if (checkpoint && equalBytes(checkpoint, encodeState(stretch.state))) {
        const rest = events.slice(next);
        return { refold: toRefold(stretch, spans, keys, stored), folded, rest };
      }
    }
    if (span.reachesHead) break;
  }
  while (next < events.length) feedNew();
  return { refold: toRefold(stretch, spans, keys, undefined), folded, rest: [] };
}

/** What the fold forgets in; see foundations of the fold in docs/trips.md. */
const MEMORY_MS = 3 * 86_400_000;

/**
 * The state after an event, where the stored one is of a format that this version does not read:
 * the fold remembers three days, so three days of events say it all.
 */
export async function rebuildState(
  deviceId: number,
  at: EventKey,
  read: ReadSpan,
  context: FoldContext,
): Promise<DeviceState> {
  const stretch = createStretch(emptyState(), 0);
  let after: EventKey = { atMs: at.atMs - MEMORY_MS, digest: 0 };
  for (;;) {
    const { events, reachesHead } = await read({ deviceId, after });
    for (const event of events) {
      if (compareKeys(event, at) > 0) return stretch.state;
      foldNext(stretch, event, context);
    }
    if (reachesHead) return stretch.state;
    after = events.at(-1)!;
  }
}

function toRefold(
  stretch: Stretch,
  spans: readonly EventSpan[],
  keys: readonly EventKey[],
  convergedAt: EventKey | undefined,
): Refold {
  const isIn = (key: EventKey | undefined) =>
    convergedAt === undefined || (key !== undefined && compareKeys(key, convergedAt) <= 0);
  const isBefore = (key: EventKey) =>
    convergedAt === undefined || compareKeys(key, convergedAt) < 0;
  return {
    oldTrips: spans.flatMap((s) => s.trips).filter((t) => isIn(t.decidedBy)),
    oldDrivingEvents: spans
      .flatMap((s) => s.drivingEvents)
      .filter((e) => isIn(e.decidedBy))
      .map((e) => e.columns),
    oldCheckpoints: spans.flatMap((s) => s.checkpoints.map((c) => c.key)).filter(isBefore),
    spareHandles: spans.flatMap((s) => s.spareHandles).filter((h) => isIn(h.anchor)),
    closed: stretch.closed,
    drivingEvents: stretch.drivingEvents,
    checkpoints: stretch.checkpoints.filter((c) => isBefore(c.key)),
    keys,
    ...(convergedAt ? {} : { head: stretch }),
  };
}

function keyText(key: EventKey): string {
  return `${key.atMs} ${key.digest}`;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
