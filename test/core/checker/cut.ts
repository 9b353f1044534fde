import type { CanonicalEvent } from '../../../src/core/event.ts';
import type { Zones } from '../../../src/core/zones.ts';
import { isReachable, type Spot, wayBetween } from './places.ts';
import type { Seen, Stretch } from './seen.ts';

const minute = 60_000;
const hour = 3_600_000;
const halfHour = 1_800_000;
const hourOf = (atMs: number) => Math.floor(atMs / hour);

/** Which of a device's events, given in any order and some of them twice, make up which trip. */
export function cutTrips(input: readonly CanonicalEvent[], zones: Zones): Stretch[] {
  const events: CanonicalEvent[] = [];
  for (const event of [...input].sort((a, b) => a.atMs - b.atMs || a.digest - b.digest)) {
    const last = events.at(-1);
    if (last?.atMs !== event.atMs || last.digest !== event.digest) events.push(event);
  }
  const trips: Stretch[] = [];
  let open: Seen[] | undefined;
  let restCount = 0;
  let last: Spot | undefined;
  let place: Spot | undefined;
  let doubts: Spot[] = [];
  let restingFrom: number | undefined;
  let standingFrom: number | undefined;
  let slow = 0;
  let quietAt: number | undefined;
  let onAt: number | undefined;
  let deaf = false;
  let blockedAt: number | undefined;

  const end = (
    reason: NonNullable<Stretch['ending']>['reason'],
    event: CanonicalEvent,
    closesAtMs: number,
    members = open ?? [],
  ) => {
    trips.push({ members, watched: open ?? [], closesAtMs, ending: { reason, event } });
    blockedAt = members.at(-1)?.event.atMs;
    open = undefined;
  };

  events.forEach((event, index) => {
    const { atMs } = event;
    const headMs = events[index - 1]?.atMs ?? atMs;
    const gapMs = atMs - headMs;
    const usualMs = usualAt(events, index - 1);
    if (gapMs > 0) {
      const thresholdMs = silenceAt(usualMs, onAt, headMs);
      const silent = gapMs >= thresholdMs;
      if (open !== undefined) {
        const startMs = open[0]?.event.atMs ?? 0;
        const cutMs = Math.ceil((startMs + 12 * hour) / (24 * hour)) * 24 * hour;
        if (silent) end('SILENCE', event, headMs + thresholdMs);
        else if (atMs >= cutMs) end('LENGTH', event, cutMs);
      }
      blockedAt = undefined;
      if (silent) {
        if (standingFrom === undefined || headMs - standingFrom < 5 * minute) quietAt = atMs;
        restingFrom = standingFrom = place = undefined;
        slow = 0;
      }
      if (gapMs > halfHour) {
        onAt = last = undefined;
        doubts = [];
      }
      if (restingFrom !== undefined && atMs - restingFrom >= halfHour) standingFrom = restingFrom;
      if (onAt !== undefined && atMs - onAt > 12 * hour) onAt = undefined;
      if (quietAt !== undefined && atMs - quietAt > 20 * hour) quietAt = undefined;
      if (open === undefined && last !== undefined && hourOf(last.atMs) !== hourOf(atMs)) {
        last = undefined;
        doubts = [];
      }
      if (open === undefined && place !== undefined && hourOf(place.atMs) !== hourOf(atMs)) {
        place = undefined;
      }
    }
    const restedMs = restingFrom === undefined ? 0 : atMs - restingFrom;
    const stoodMs = standingFrom === undefined ? 0 : atMs - standingFrom;
    if (quietAt === undefined && stoodMs >= 10 * minute) slow = 0;

    // Is the position believed?
    const here =
      event.latE7 === undefined || event.lonE7 === undefined
        ? undefined
        : { atMs, lat: event.latE7, lon: event.lonE7 };
    let rejected: Seen['rejected'];
    let leapt = false;
    let stepMm = 0;
    if (here !== undefined) {
      if (Math.abs(here.lat) <= 1e5 && Math.abs(here.lon) <= 1e5) rejected = 'NULL_ISLAND';
      else if ((event.accuracyDm ?? 0) > 1_000) rejected = 'INACCURATE';
      else if (last?.atMs === atMs && (last.lat !== here.lat || last.lon !== here.lon)) {
        rejected = 'SAME_INSTANT';
      } else if (last !== undefined) {
        stepMm = wayBetween(last, here);
        if (!isReachable(last, here)) {
          stepMm = 0;
          if (hourOf(last.atMs) !== hourOf(atMs)) leapt = true;
          else {
            const previous = doubts.at(-1);
            if (previous === undefined) doubts = [here];
            else if (previous.atMs !== atMs) {
              doubts = isReachable(previous, here) ? [...doubts, here] : [here];
            }
            leapt = doubts.length >= 3 && doubts.at(-1) === here;
            if (!leapt) rejected = 'JUMP';
          }
        }
      }
    }
    const accepted = here !== undefined && rejected === undefined;
    const speed =
      rejected === undefined && event.speedCkmh !== undefined && event.speedCkmh <= 40_000
        ? event.speedCkmh
        : undefined;

    // Does it move?
    let moving = speed !== undefined && speed >= 500;
    if (open === undefined && event.ignition === false && onAt === undefined) moving = false;
    let fromPlaceMm = 0;
    if (accepted && place !== undefined && (restingFrom !== undefined || speed === undefined)) {
      fromPlaceMm = wayBetween(place, here);
      if (!leapt && hourOf(place.atMs) === hourOf(atMs) && fromPlaceMm >= 50_000) moving = true;
    }
    const wayMm = leapt ? 0 : restingFrom === undefined ? stepMm : moving ? fromPlaceMm : 0;
    const seen: Seen = {
      event,
      gapMs,
      usualMs: gapMs > halfHour ? undefined : usualMs,
      accepted,
      leapt,
      rejected,
      speed,
      moving,
      wayMm,
      wayFromMs: last?.atMs ?? atMs,
      zone: last === undefined ? '' : zones.zoneAt(last.lat, last.lon),
      stayed: accepted && !leapt && stepMm < 50_000,
    };

    // Has the device gone to its parked rate?
    if (!moving && gapMs > 0 && slow < 2) {
      const isSlow = seen.usualMs !== undefined && gapMs >= Math.max(45_000, 2 * seen.usualMs);
      const isEarly = slow > 0 || standingFrom === undefined || headMs - standingFrom < 5 * minute;
      slow = isSlow && isEarly ? slow + 1 : 0;
      if (slow === 2) quietAt = atMs;
    }

    // What of the trip?
    if (open !== undefined) {
      const idling = onAt !== undefined && atMs - onAt <= halfHour;
      const parked =
        !moving &&
        restingFrom !== undefined &&
        !idling &&
        (restedMs >= halfHour ||
          (onAt === undefined &&
            standingFrom !== undefined &&
            (slow === 2 || stoodMs >= (quietAt === undefined ? 3 : 10) * minute)));
      if (parked) end('STANDSTILL', event, atMs, open.slice(0, restCount));
      else {
        if (!moving && restingFrom === undefined) restCount = open.length + (slow > 0 ? 0 : 1);
        open.push(seen);
      }
    } else if (moving && accepted && atMs !== blockedAt) {
      open = [{ ...seen, wayMm: 0, zone: zones.zoneAt(here.lat, here.lon) }];
      deaf = false;
    }

    // Where does it rest?
    const stands = !moving && (accepted || speed !== undefined);
    const comes = stands && standingFrom === undefined;
    if (accepted && (moving || leapt || comes || hourOf(place?.atMs ?? -1) !== hourOf(atMs))) {
      place = here;
    }
    if (moving) {
      restingFrom = standingFrom = undefined;
      slow = 0;
    } else {
      restingFrom ??= atMs;
      if (comes) standingFrom = atMs;
      const stood = standingFrom === undefined ? 0 : atMs - standingFrom;
      if (slow < 2 && stood >= 10 * minute) quietAt = undefined;
    }
    if (accepted) {
      last = here;
      doubts = [];
    }

    // What does the ignition say?
    if (event.ignition === true) onAt = atMs;
    if (event.ignition === false) {
      if (open !== undefined) {
        if (onAt === undefined && moving) deaf = true;
        else if (onAt !== undefined || !deaf) {
          end('IGNITION', event, atMs);
          restingFrom = standingFrom = place = undefined;
          slow = 0;
        }
      }
      onAt = undefined;
    }
  });
  if (open !== undefined) {
    const headMs = events.at(-1)?.atMs ?? 0;
    const startMs = open[0]?.event.atMs ?? 0;
    const cutMs = Math.ceil((startMs + 12 * hour) / (24 * hour)) * 24 * hour;
    const silentMs = headMs + silenceAt(usualAt(events, events.length - 1), onAt, headMs);
    trips.push({
      members: open,
      watched: open,
      closesAtMs: Math.min(silentMs, cutMs),
      ending: undefined,
    });
  }
  return trips;
}

/** Lower median of the last 15 intervals up to an event, from the last gap over half an hour on. */
function usualAt(events: readonly CanonicalEvent[], index: number): number | undefined {
  const intervals: number[] = [];
  for (let i = index; i > 0 && intervals.length < 15; i--) {
    const interval = (events[i]?.atMs ?? 0) - (events[i - 1]?.atMs ?? 0);
    if (interval > halfHour) break;
    if (interval > 0) intervals.push(interval);
  }
  if (intervals.length < 5) return undefined;
  return intervals.sort((a, b) => a - b)[Math.ceil(intervals.length / 2) - 1];
}

function silenceAt(usualMs: number | undefined, onAt: number | undefined, headMs: number): number {
  if (onAt !== undefined && headMs - onAt <= 12 * hour) return halfHour;
  return Math.min(halfHour, Math.max(2 * minute, 4 * (usualMs ?? 0)));
}
