/**
 * The rules of version 1 once more, written from their text and sharing no code with the fold: plain
 * and slow, over the whole list of a device's events. Where fold and checker differ one is wrong.
 */
import type { CanonicalEvent } from '../../src/core/event.ts';
import type { Zones } from '../../src/core/zones.ts';

export interface CheckedDay {
  localDate: string;
  distanceM: number;
  durationMs: number;
  movingMs: number;
  idleMs: number;
  nightM: number;
}

export interface CheckedTrip {
  startedAtMs: number;
  endedAtMs: number;
  closesAtMs: number;
  endReason: string | undefined;
  distanceM: number;
  distanceSource: string;
  bridgedM: number;
  maxSpeedCkmh: number;
  fixes: number;
  events: number;
  rejectedFixes: Record<string, number>;
  timeZone: string;
  days: CheckedDay[];
}

const minute = 60_000;
const hour = 3_600_000;
const halfHour = 1_800_000;
const hourOf = (atMs: number) => Math.floor(atMs / hour);

/** What an event turned out to be, seen from the whole list. */
interface Seen {
  event: CanonicalEvent;
  gapMs: number;
  /** Usual interval before this event's own interval was known. */
  usualMs: number | undefined;
  accepted: boolean;
  leapt: boolean;
  rejected: string | undefined;
  speed: number | undefined;
  moving: boolean;
  /** Way that counts by positions, and the instant and zone of the fix it begins at. */
  wayMm: number;
  wayFromMs: number;
  zone: string;
  stayed: boolean;
}

export function checkTrips(input: readonly CanonicalEvent[], zones: Zones): CheckedTrip[] {
  const events: CanonicalEvent[] = [];
  for (const event of [...input].sort((a, b) => a.atMs - b.atMs || a.digest - b.digest)) {
    const last = events.at(-1);
    if (last?.atMs !== event.atMs || last.digest !== event.digest) events.push(event);
  }
  const trips: CheckedTrip[] = [];
  let open: Seen[] | undefined;
  let restCount = 0;
  let last: { atMs: number; lat: number; lon: number } | undefined;
  let place: { atMs: number; lat: number; lon: number } | undefined;
  let doubts: { atMs: number; lat: number; lon: number }[] = [];
  let restingFrom: number | undefined;
  let standingFrom: number | undefined;
  let slow = 0;
  let quietAt: number | undefined;
  let onAt: number | undefined;
  let deaf = false;
  let blockedAt: number | undefined;

  const end = (reason: string, closesAtMs: number, members: Seen[]) => {
    trips.push(total(members, closesAtMs, reason, zones));
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
        if (silent) end('SILENCE', headMs + thresholdMs, open);
        else if (atMs >= cutMs) end('LENGTH', cutMs, open);
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
    let rejected: string | undefined;
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
      if (parked) end('STANDSTILL', atMs, open.slice(0, restCount));
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
          end('IGNITION', atMs, open);
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
    trips.push(total(open, Math.min(silentMs, cutMs), undefined, zones));
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

type Spot = { atMs: number; lat: number; lon: number };

/** Haversine by arcsine on a sphere of 6,371,008.8 m. */
function wayBetween(a: Spot, b: Spot): number {
  const rad = (e7: number) => (e7 / 1e7) * (Math.PI / 180);
  const u = Math.sin(rad(b.lat - a.lat) / 2);
  const v = Math.sin(rad(b.lon - a.lon) / 2);
  const h = u * u + Math.cos(rad(a.lat)) * Math.cos(rad(b.lat)) * v * v;
  return Math.round(2 * 6_371_008_800 * Math.asin(Math.min(1, Math.sqrt(h))));
}

function isReachable(a: Spot, b: Spot): boolean {
  return wayBetween(a, b) <= 70 * (b.atMs - a.atMs) + 100_000;
}

/** A trip's figures from its members. */
function total(
  members: readonly Seen[],
  closesAtMs: number,
  endReason: string | undefined,
  zones: Zones,
): CheckedTrip {
  const first = (members[0] as Seen).event;
  const startedAtMs = first.atMs;
  const endedAtMs = (members.at(-1) as Seen).event.atMs;
  const gps = ledger(1_000n, zones);
  const speed = ledger(720_000n, zones);
  const odometer = ledger(1n, zones);
  const duration = ledger(1n, zones);
  const moving = ledger(1n, zones);
  const idle = ledger(1n, zones);
  const rejectedFixes: Record<string, number> = {};
  let bridgedGps = 0;
  let bridgedSpeed = 0;
  let bridgedOdometer = 0;
  let spoken: { atMs: number; speed: number } | undefined;
  let read: { atMs: number; odometerM: number } | undefined;
  let readMs = 0;
  let broken = false;
  let stillFrom: number | undefined;
  let headMs = startedAtMs;
  members.forEach((seen, index) => {
    const { event, zone, usualMs } = seen;
    const { atMs } = event;
    const bridgeMs = Math.max(30_000, 4 * (usualMs ?? 0));
    if (seen.rejected !== undefined) {
      rejectedFixes[seen.rejected] = (rejectedFixes[seen.rejected] ?? 0) + 1;
    }
    const slowFix = seen.accepted && !seen.moving;
    const derivedStill =
      slowFix && stepOf(seen, members, index) * 360 < 500 * (atMs - seen.wayFromMs);
    const still =
      seen.speed !== undefined
        ? seen.speed < 161
        : seen.accepted
          ? derivedStill
          : stillFrom !== undefined;
    if (index === 0) stillFrom = still ? atMs : undefined;
    else if (atMs > headMs) {
      duration.add(headMs, atMs, BigInt(atMs - headMs), zone);
      const stood = stillFrom !== undefined && still && !seen.moving;
      if (!stood) moving.add(headMs, atMs, BigInt(atMs - headMs), zone);
      else if (stillFrom !== undefined && atMs - stillFrom >= minute) {
        const from = headMs - stillFrom >= minute ? headMs : stillFrom;
        idle.add(from, atMs, BigInt(atMs - from), zone);
      }
      stillFrom = !still ? undefined : stood ? stillFrom : atMs;
    }
    if (seen.accepted && seen.wayMm > 0) {
      gps.add(seen.wayFromMs, atMs, BigInt(seen.wayMm), zone);
      if (atMs - seen.wayFromMs > bridgeMs) bridgedGps += seen.wayMm;
    }
    if (seen.speed !== undefined) {
      if (spoken !== undefined && !seen.leapt && atMs > spoken.atMs) {
        const bridged = atMs - spoken.atMs > bridgeMs;
        const units =
          bridged && seen.stayed ? 0 : (spoken.speed + seen.speed) * (atMs - spoken.atMs);
        speed.add(spoken.atMs, atMs, BigInt(units), zone);
        if (bridged) bridgedSpeed += units;
      }
      spoken = { atMs, speed: seen.speed };
    }
    const { odometerM } = event;
    if (odometerM !== undefined) {
      if (read !== undefined) {
        const wayM = odometerM - read.odometerM;
        const tookMs = atMs - read.atMs;
        if (wayM < 0 || wayM > 0.07 * tookMs + 1_000 || (tookMs === 0 && wayM > 0)) broken = true;
        else if (wayM > 0) {
          odometer.add(read.atMs, atMs, BigInt(wayM), zone);
          if (tookMs > bridgeMs) bridgedOdometer += wayM;
        }
        readMs += tookMs;
      }
      read = { atMs, odometerM };
    }
    headMs = atMs;
  });
  const fixes = members.filter((seen) => seen.accepted);
  const spokenFixes = fixes.filter((seen) => seen.speed !== undefined);
  const isLike = (a: number, b: number) => (a + 200) * 100 >= 70 * b && (a - 200) * 100 <= 140 * b;
  const bySpeed =
    spoken !== undefined &&
    spokenFixes.length * 100 >= fixes.length * 90 &&
    isLike(speed.whole(), gps.whole());
  const byOdometer =
    readMs > 0 &&
    !broken &&
    readMs * 100 >= 90 * (endedAtMs - startedAtMs) &&
    isLike(odometer.whole(), bySpeed ? speed.whole() : gps.whole());
  const way = byOdometer ? odometer : bySpeed ? speed : gps;
  const timeZone = zones.zoneAt(first.latE7 ?? 0, first.lonE7 ?? 0);
  const dates = new Set([localDate(zones, timeZone, startedAtMs)]);
  for (const book of [duration, way]) for (const date of book.byDate.keys()) dates.add(date);
  return {
    startedAtMs,
    endedAtMs,
    closesAtMs,
    endReason,
    distanceM: way.whole(),
    distanceSource: byOdometer ? 'ODOMETER' : bySpeed ? 'SPEED' : 'GPS',
    bridgedM: byOdometer
      ? bridgedOdometer
      : bySpeed
        ? Math.floor(bridgedSpeed / 720_000)
        : Math.floor(bridgedGps / 1_000),
    maxSpeedCkmh: Math.max(0, ...members.map((seen) => seen.speed ?? 0)),
    fixes: fixes.length,
    events: members.length,
    rejectedFixes,
    timeZone,
    days: [...dates].sort().map((date) => ({
      localDate: date,
      distanceM: way.byDate.get(date) ?? 0,
      durationMs: duration.byDate.get(date) ?? 0,
      movingMs: moving.byDate.get(date) ?? 0,
      idleMs: idle.byDate.get(date) ?? 0,
      nightM: way.nightByDate.get(date) ?? 0,
    })),
  };
}

/** Way from the last believed position, whether or not it counts. */
function stepOf(seen: Seen, members: readonly Seen[], index: number): number {
  if (seen.leapt) return 0;
  const before = members.slice(0, index).findLast((other) => other.accepted)?.event;
  const { event } = seen;
  if (before === undefined) return 0;
  const spot = (of: CanonicalEvent) => ({
    atMs: of.atMs,
    lat: of.latE7 ?? 0,
    lon: of.lonE7 ?? 0,
  });
  return wayBetween(spot(before), spot(event));
}

/** Books amounts on local dates: what falls to a cut is the floor of all so far, in whole units. */
function ledger(unit: bigint, zones: Zones) {
  let sum = 0n;
  const byDate = new Map<string, number>();
  const nightByDate = new Map<string, number>();
  return {
    byDate,
    nightByDate,
    whole: () => Number(sum / unit),
    add(fromMs: number, toMs: number, amount: bigint, zone: string) {
      let cutMs = fromMs;
      let given = 0n;
      while (cutMs < toMs || (cutMs === toMs && fromMs === toMs)) {
        const date = localDate(zones, zone, cutMs);
        const night = isNight(zones, zone, cutMs);
        // Local dates and nights change on whole minutes.
        let nextMs = (Math.floor(cutMs / minute) + 1) * minute;
        while (
          nextMs < toMs &&
          localDate(zones, zone, nextMs) === date &&
          isNight(zones, zone, nextMs) === night
        ) {
          nextMs += minute;
        }
        const passed =
          nextMs >= toMs ? amount : (amount * BigInt(nextMs - fromMs)) / BigInt(toMs - fromMs);
        const metres = Number((sum + passed) / unit - (sum + given) / unit);
        byDate.set(date, (byDate.get(date) ?? 0) + metres);
        if (night) nightByDate.set(date, (nightByDate.get(date) ?? 0) + metres);
        given = passed;
        cutMs = nextMs;
      }
      sum += amount;
    },
  };
}

function localDate(zones: Zones, zone: string, atMs: number): string {
  return new Date(atMs + zones.offsetMsAt(zone, atMs)).toISOString().slice(0, 10);
}

function isNight(zones: Zones, zone: string, atMs: number): boolean {
  const hours = new Date(atMs + zones.offsetMsAt(zone, atMs)).getUTCHours();
  return hours >= 22 || hours < 4;
}
