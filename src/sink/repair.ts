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

/** The previous and the new facts of a stretch of a device's past. */
export interface Refold {
  readonly oldTrips: readonly StoredTrip[];
  readonly oldDrivingEvents: readonly DrivingEventColumns[];
  readonly oldCheckpoints: readonly EventKey[];
  readonly spareHandles: readonly SpareHandle[];
  readonly closed: readonly TripFacts[];
  readonly drivingEvents: readonly DrivingEventFacts[];
  readonly checkpoints: readonly StoredCheckpoint[];
  /** Keys of the folded events, in order, for counting the events that two trips share. */
  readonly keys: readonly EventKey[];
  /** The state at the device's new head, if the stretch reaches it. */
  readonly head?: Stretch;
}

export interface Repair {
  readonly refolds: readonly Refold[];
  /** Events that were not stored before and are folded now, in order. */
  readonly folded: readonly CanonicalEvent[];
  /** Events after the head, still to be folded onto the head's state. */
  readonly fresh: readonly CanonicalEvent[];
}

export type ReadSpan = (request: SpanRequest) => Promise<EventSpan>;

/**
 * Folds late events into a device's past, from the last checkpoint before them forward, until all are
 * folded and the state equals a stored checkpoint byte for byte, or until the head is reached.
 *
 * @param events sorted by key without duplicates, the first one at or before `head`
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
    for (const event of folded) allFolded.push(event);
    pending = rest;
  }
  return { refolds, folded: allFolded, fresh: pending };
}

type SpanFacts = Pick<EventSpan, 'trips' | 'drivingEvents' | 'spareHandles' | 'checkpoints'>;

interface RefoldStep {
  readonly refold: Refold;
  /** The events that were new; those already stored are left out. */
  readonly folded: readonly CanonicalEvent[];
  /** The events after the point where the state converged. */
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
  const spans: SpanFacts[] = [];
  let next = 0;
  const feed = (event: CanonicalEvent) => {
    foldNext(stretch, event, context);
    keys.push({ atMs: event.atMs, digest: event.digest });
  };
  const feedNew = () => {
    folded.push(events[next]!);
    feed(events[next]!);
    next += 1;
  };
  for (let span = first; ; span = await read({ deviceId, after: span.events.at(-1)! })) {
    // A life may be long: its events are not kept.
    const { trips, drivingEvents, spareHandles } = span;
    spans.push({ trips, drivingEvents, spareHandles, checkpoints: span.checkpoints });
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

/** Time after which the fold keeps nothing of an event (docs/trips.md). */
const MEMORY_MS = 3 * 86_400_000;

/**
 * Computes the state after an event whose stored state has a format that this version does not read.
 * The fold remembers three days, so folding three days of events gives the same state.
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
  spans: readonly SpanFacts[],
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
