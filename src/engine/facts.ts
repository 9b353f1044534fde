import { advance, type DeviceState, type FoldContext } from '../core/advance.ts';
import type { DrivingEventFacts, TripFacts, UntrackedFacts } from '../core/changes.ts';
import type { CanonicalEvent, EventKey } from '../core/event.ts';
import { canonicalBytes } from '../core/premium/exact/canonical.ts';

/**
 * One row of the compacted topic of facts: the newest value of a key is what is true; a tombstone
 * (`json` undefined) withdraws it. Keys do not depend on the store: a trip is named by the event
 * that opened it, a flag by its instant, kind and source.
 */
export interface Fact {
  readonly key: string;
  /** Canonical JSON (RFC 8785) of the facts. */
  readonly json: string | undefined;
}

export function tripFact(deviceId: string, trip: TripFacts): Fact & { readonly json: string } {
  const { atMs, digest } = trip.anchor;
  return { key: `trip ${deviceId} ${atMs} ${digest}`, json: canonicalBytes(trip) };
}

/** Takes one event into the state, in place. @returns what it decided */
export function foldToFacts(
  deviceId: string,
  state: DeviceState,
  event: CanonicalEvent,
  context: FoldContext,
): Fact[] {
  return advance(state, event, context).map((change) => {
    if (change.type === 'tripClosed') return tripFact(deviceId, change.trip);
    return change.type === 'drivingEvent'
      ? flagFact(deviceId, change.event)
      : untrackedFact(deviceId, change.untracked);
  });
}

/** Kilometres that are in no trip are named by what they are and when they begin. */
function untrackedFact(deviceId: string, untracked: UntrackedFacts): Fact {
  return {
    key: `untracked ${deviceId} ${untracked.startedAtMs} ${untracked.kind}`,
    json: canonicalBytes(untracked),
  };
}

function flagFact(deviceId: string, flag: DrivingEventFacts): Fact & { readonly json: string } {
  return {
    key: `flag ${deviceId} ${flag.atMs} ${flag.kind} ${flag.source}`,
    json: canonicalBytes(flag),
  };
}

/** An event too old for the device's log: a recalculation from the topic's history takes it in. */
export function lateFact(deviceId: string, event: EventKey): Fact {
  return {
    key: `late ${deviceId} ${event.atMs} ${event.digest}`,
    json: canonicalBytes({ ...event }),
  };
}

/** A record that could not be used. @param source where it is: topic/partition/offset */
export function deadFact(source: string, reason: string, message: string): Fact {
  return { key: `dead ${source}`, json: canonicalBytes({ message, reason }) };
}
