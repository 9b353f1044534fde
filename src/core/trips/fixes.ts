import type { CanonicalEvent } from '../event.ts';
import { distanceMm } from '../geo.ts';
import { forget, never, setFix } from '../reading.ts';
import type { Rules } from '../rules.ts';
import type { DeviceState } from '../state.ts';

/** The verdict on a position. The rejections are indexes into `rejectionReasons`. */
export const verdict = {
  sameInstant: 0,
  nullIsland: 1,
  jump: 2,
  inaccurate: 3,
  /** The event has no position. */
  none: 4,
  believed: 5,
  /** Accepted although no car could have reached it: adds no kilometres. */
  leapt: 6,
} as const;
type Verdict = (typeof verdict)[keyof typeof verdict];

/** The verdict on a position, and its distance from the last accepted one. */
export interface Judgement {
  verdict: Verdict;
  stepMm: number;
}

const hourMs = 3_600_000;

export function isSameHour(aMs: number, bMs: number): boolean {
  return Math.floor(aMs / hourMs) === Math.floor(bMs / hourMs);
}

/** Judges an event's position against the last accepted one; `stepMm` is their distance. */
export function judgeFix(
  state: DeviceState,
  event: CanonicalEvent,
  rules: Rules,
  judged: Judgement,
): void {
  judged.stepMm = 0;
  judged.verdict = verdict.none;
  const { latE7, lonE7, atMs } = event;
  if (latE7 === undefined || lonE7 === undefined) return;
  if (Math.abs(latE7) <= rules.nullIslandE7 && Math.abs(lonE7) <= rules.nullIslandE7) {
    judged.verdict = verdict.nullIsland;
    return;
  }
  if (event.accuracyDm !== undefined && event.accuracyDm > rules.accuracyDm) {
    judged.verdict = verdict.inaccurate;
    return;
  }
  const { last } = state;
  if (last.atMs === never) {
    judged.verdict = verdict.believed;
    return;
  }
  if (last.atMs === atMs && (last.latE7 !== latE7 || last.lonE7 !== lonE7)) {
    judged.verdict = verdict.sameInstant;
    return;
  }
  const stepMm = distanceMm(last.latE7, last.lonE7, latE7, lonE7);
  if (isReachable(stepMm, atMs - last.atMs, rules)) {
    judged.verdict = verdict.believed;
    judged.stepMm = stepMm;
    return;
  }
  judged.verdict =
    !isSameHour(last.atMs, atMs) || isConfirmed(state, atMs, latE7, lonE7, rules)
      ? verdict.leapt
      : verdict.jump;
}

function isReachable(stepMm: number, elapsedMs: number, rules: Rules): boolean {
  return stepMm <= (rules.jumpMmps * elapsedMs) / 1000 + rules.jumpSlackMm;
}

/** Counts jumps in a row that agree; returns whether there are now enough to accept them. */
function isConfirmed(
  state: DeviceState,
  atMs: number,
  latE7: number,
  lonE7: number,
  rules: Rules,
): boolean {
  const { doubt } = state;
  // Only the first position of an instant counts: jumps in a row must follow each other in time.
  if (doubt.atMs === atMs) return false;
  const agrees =
    doubt.atMs !== never &&
    isReachable(distanceMm(doubt.latE7, doubt.lonE7, latE7, lonE7), atMs - doubt.atMs, rules);
  doubt.agreeing = agrees ? doubt.agreeing + 1 : 1;
  setFix(doubt, atMs, latE7, lonE7);
  return doubt.agreeing >= rules.jumpsToBelieve;
}

/** Accepts a position: the next ones are judged against it. */
export function believe(state: DeviceState, atMs: number, latE7: number, lonE7: number): void {
  setFix(state.last, atMs, latE7, lonE7);
  state.zone = '';
  if (state.doubt.atMs !== never) {
    forget(state.doubt);
    state.doubt.agreeing = 0;
  }
}
