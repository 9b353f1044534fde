import type { FoldContext } from '../../src/core/advance.ts';
import { advance, decodeState, emptyState, encodeState, openTrip } from '../../src/core/advance.ts';
import type {
  Change,
  DrivingEventFacts,
  TripFacts,
  UntrackedFacts,
} from '../../src/core/changes.ts';
import { type CanonicalEvent, compareKeys, type EventKey } from '../../src/core/event.ts';

/** What the fold says of a device whose events come in pieces and in any order. */
export interface LateFolding {
  readonly trips: readonly TripFacts[];
  readonly drivingEvents: readonly DrivingEventFacts[];
  readonly untracked: readonly UntrackedFacts[];
  /** How often late events were folded no further than where the state converged. */
  readonly converged: number;
}

/** What is kept of a device: its events in order, what each decided, and states after some. */
interface Kept {
  readonly events: readonly CanonicalEvent[];
  readonly decided: ReadonlyMap<string, readonly Change[]>;
  readonly states: ReadonlyMap<string, Uint8Array>;
}

const STATE_EVERY = 16;

/**
 * The promise that repair rests on, on plain lists: fold late events from the last state kept before
 * them, until all on the way are folded and the state is byte for byte a kept one; what was decided
 * on the way takes the place of what was decided there before.
 */
export function foldPieces(
  pieces: readonly (readonly CanonicalEvent[])[],
  context: FoldContext,
): LateFolding {
  let kept: Kept = { events: [], decided: new Map(), states: new Map() };
  let converged = 0;
  for (const piece of pieces) {
    let pending = uniqueInOrder(piece, kept.events);
    while (pending.length > 0) {
      const taken = takeIn(kept, pending, context);
      kept = taken.kept;
      pending = pending.slice(taken.count);
      if (taken.converged) converged += 1;
    }
  }
  const state = emptyState();
  kept.events.forEach((event) => advance(state, event, context));
  const changes = kept.events.flatMap((event) => kept.decided.get(textOf(event)) ?? []);
  const closed = changes.flatMap((change) => (change.type === 'tripClosed' ? [change.trip] : []));
  const open = openTrip(state, context);
  return {
    trips: open === undefined ? closed : [...closed, open],
    drivingEvents: changes.flatMap((c) => (c.type === 'drivingEvent' ? [c.event] : [])),
    untracked: changes.flatMap((c) => (c.type === 'untracked' ? [c.untracked] : [])),
    converged,
  };
}

function takeIn(kept: Kept, pending: readonly CanonicalEvent[], context: FoldContext) {
  const first = pending[0] as CanonicalEvent;
  const before = kept.events.findLastIndex(
    (event) => compareKeys(event, first) < 0 && kept.states.has(textOf(event)),
  );
  const from = kept.events[before];
  const state = from === undefined ? emptyState() : read(kept.states.get(textOf(from)));
  const decided = new Map(kept.decided);
  const states = new Map(kept.states);
  const behind = kept.events.slice(before + 1);
  const isPending = new Set<CanonicalEvent>(pending);
  let folded = 0;
  let since = 0;
  for (const event of [...behind, ...pending].sort(compareKeys)) {
    const changes = advance(state, event, context);
    const text = textOf(event);
    decided.set(text, changes);
    if (isPending.has(event)) folded += 1;
    const known = kept.states.get(text);
    const isKept = known !== undefined || changes.length > 0 || ++since === STATE_EVERY;
    if (!isKept) continue;
    since = 0;
    const bytes = encodeState(state);
    states.set(text, bytes);
    if (known === undefined || Buffer.compare(known, bytes) !== 0) continue;
    const events = [...kept.events, ...pending.slice(0, folded)].sort(compareKeys);
    return { kept: { events, decided, states }, count: folded, converged: true };
  }
  const events = [...kept.events, ...pending].sort(compareKeys);
  return { kept: { events, decided, states }, count: pending.length, converged: false };
}

function uniqueInOrder(piece: readonly CanonicalEvent[], kept: readonly CanonicalEvent[]) {
  const known = new Set(kept.map(textOf));
  return [...piece].sort(compareKeys).filter((event) => {
    const text = textOf(event);
    const isNew = !known.has(text);
    known.add(text);
    return isNew;
  });
}

function read(bytes: Uint8Array | undefined) {
  const state = bytes === undefined ? undefined : decodeState(bytes);
  if (state === undefined) throw new Error('the state did not decode');
  return state;
}

function textOf({ atMs, digest }: EventKey): string {
  return `${String(atMs)} ${String(digest)}`;
}
