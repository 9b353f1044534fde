import type { CanonicalEvent } from '../event.ts';
import { distanceMm } from '../geo.ts';
import { forget, never, setFix } from '../reading.ts';
import type { Rules } from '../rules.ts';
import type { DeviceState } from '../state.ts';

/** What a position is worth. The rejections are the places of `rejectionReasons`. */
export const verdict = {
  sameInstant: 0,
  nullIsland: 1,
  jump: 2,
  inaccurate: 3,
  /** The event has no position. */
  none: 4,
  believed: 5,
  /** Believed though it lies where no car could have come to: adds no kilometres. */
  leapt: 6,
} as const;
type Verdict = (typeof verdict)[keyof typeof verdict];

/** What was found of a position, and the way to it from the last one believed. */
export interface Judgement {
  verdict: Verdict;
  stepMm: number;
}

const hourMs = 3_600_000;

export function isSameHour(aMs: number, bMs: number): boolean {
  return Math.floor(aMs / hourMs) === Math.floor(bMs / hourMs);
}

/** Judges an event's position against the last one believed; `stepMm` is the way from there. */
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

/** Whether this jump is the last needed of several in a row that agree; notes it if not. */
function isConfirmed(
  state: DeviceState,
  atMs: number,
  latE7: number,
  lonE7: number,
  rules: Rules,
): boolean {
  const { doubt } = state;
  // Of one instant only the first counts: a row has a direction in time.
  if (doubt.atMs === atMs) return false;
  const agrees =
    doubt.atMs !== never &&
    isReachable(distanceMm(doubt.latE7, doubt.lonE7, latE7, lonE7), atMs - doubt.atMs, rules);
  doubt.agreeing = agrees ? doubt.agreeing + 1 : 1;
  setFix(doubt, atMs, latE7, lonE7);
  return doubt.agreeing >= rules.jumpsToBelieve;
}

/** Believes a position: it is what the next ones are judged against. */
export function believe(state: DeviceState, atMs: number, latE7: number, lonE7: number): void {
  setFix(state.last, atMs, latE7, lonE7);
  state.zone = '';
  if (state.doubt.atMs !== never) {
    forget(state.doubt);
    state.doubt.agreeing = 0;
  }
}
