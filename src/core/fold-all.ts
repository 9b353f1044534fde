import { advance, emptyState, type FoldContext, openTrip } from './advance.ts';
import type { DrivingEventFacts, TripFacts } from './changes.ts';
import { type CanonicalEvent, compareKeys } from './event.ts';
import type { DeviceState } from './state.ts';

/** What one ordered pass over a device's events says. */
export interface Folded {
  /** Trips that a later event closed. */
  readonly trips: readonly TripFacts[];
  readonly drivingEvents: readonly DrivingEventFacts[];
  readonly openTrip: TripFacts | undefined;
  readonly state: DeviceState;
}

/**
 * One ordered pass from the empty state over one device's events, in whatever order they are given:
 * what every other way of folding them must come to.
 */
export function foldAll(events: readonly CanonicalEvent[], context: FoldContext): Folded {
  const state = emptyState();
  const trips: TripFacts[] = [];
  const drivingEvents: DrivingEventFacts[] = [];
  let previous: CanonicalEvent | undefined;
  for (const event of [...events].sort(compareKeys)) {
    if (previous !== undefined && compareKeys(previous, event) === 0) continue;
    previous = event;
    for (const change of advance(state, event, context)) {
      if (change.type === 'tripClosed') trips.push(change.trip);
      else drivingEvents.push(change.event);
    }
  }
  return { trips, drivingEvents, openTrip: openTrip(state, context), state };
}
