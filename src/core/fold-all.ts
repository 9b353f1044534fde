import { advance, emptyState, expected, type FoldContext } from './advance.ts';
import type { DrivingEventFacts, TripFacts, UntrackedFacts } from './changes.ts';
import { type CanonicalEvent, compareKeys } from './event.ts';
import type { DeviceState } from './state.ts';

/** The result of one ordered pass over a device's events. */
export interface Folded {
  /** Trips that a later event closed. */
  readonly trips: readonly TripFacts[];
  readonly drivingEvents: readonly DrivingEventFacts[];
  /** Kilometres that are in no trip; those not decided yet come last. */
  readonly untracked: readonly UntrackedFacts[];
  readonly openTrip: TripFacts | undefined;
  readonly state: DeviceState;
}

/**
 * Folds one device's events in one ordered pass from the empty state; they may be given in any
 * order. Every other way of folding them must give the same result.
 */
export function foldAll(events: readonly CanonicalEvent[], context: FoldContext): Folded {
  const state = emptyState();
  const trips: TripFacts[] = [];
  const drivingEvents: DrivingEventFacts[] = [];
  const untracked: UntrackedFacts[] = [];
  let previous: CanonicalEvent | undefined;
  for (const event of [...events].sort(compareKeys)) {
    if (previous !== undefined && compareKeys(previous, event) === 0) continue;
    previous = event;
    for (const change of advance(state, event, context)) {
      if (change.type === 'tripClosed') trips.push(change.trip);
      else if (change.type === 'drivingEvent') drivingEvents.push(change.event);
      else untracked.push(change.untracked);
    }
  }
  const { openTrip, untracked: pending } = expected(state, context);
  return { trips, drivingEvents, untracked: [...untracked, ...pending], openTrip, state };
}
