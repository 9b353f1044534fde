import type { DeviceState, FoldContext } from '../core/advance.ts';
import { advance, encodeState } from '../core/advance.ts';
import type { DrivingEventFacts, TripFacts } from '../core/changes.ts';
import type { CanonicalEvent } from '../core/event.ts';
import type { StoredCheckpoint } from '../store/ingest/spans.ts';

/**
 * Events between checkpoints. A late event refolds at most this many earlier events, so this also
 * bounds what an event that is a few seconds late costs to read.
 */
const CHECKPOINT_EVERY = 256;

/** A stretch of a device's events while it is folded: the state advances, the decisions accumulate. */
export interface Stretch {
  readonly state: DeviceState;
  readonly closed: TripFacts[];
  readonly drivingEvents: DrivingEventFacts[];
  readonly checkpoints: StoredCheckpoint[];
  sinceCheckpoint: number;
}

export function createStretch(state: DeviceState, sinceCheckpoint: number): Stretch {
  return { state, closed: [], drivingEvents: [], checkpoints: [], sinceCheckpoint };
}

/** Folds the device's next event; mutates the stretch's state. */
export function foldNext(stretch: Stretch, event: CanonicalEvent, context: FoldContext): void {
  let closes = false;
  for (const change of advance(stretch.state, event, context)) {
    if (change.type === 'tripClosed') {
      stretch.closed.push(change.trip);
      closes = true;
    } else if (change.type === 'drivingEvent') {
      stretch.drivingEvents.push(change.event);
    }
  }
  stretch.sinceCheckpoint += 1;
  if (closes || stretch.sinceCheckpoint >= CHECKPOINT_EVERY) {
    const key = { atMs: event.atMs, digest: event.digest };
    stretch.checkpoints.push({ key, state: encodeState(stretch.state) });
    stretch.sinceCheckpoint = 0;
  }
}
