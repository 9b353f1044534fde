import type { Rules } from '../rules.ts';
import { absent, never } from '../reading.ts';
import type { DeviceState } from '../state.ts';

/** Records one interval and updates the usual interval. */
export function noteInterval(state: DeviceState, intervalMs: number, rules: Rules): void {
  const { intervalsMs } = state;
  intervalsMs.push(intervalMs);
  if (intervalsMs.length > rules.intervalsKept && intervalsMs.shift() === intervalMs) return;
  state.usualMs = usualInterval(intervalsMs, rules.intervalsNeeded);
}

const sorted: number[] = [];

/** Lower median of the intervals, or `absent` if fewer than `needed` are known. */
export function usualInterval(intervalsMs: readonly number[], needed: number): number {
  const { length } = intervalsMs;
  if (length < needed) return absent;
  for (let i = 0; i < length; i++) {
    const value = intervalsMs[i] as number;
    let j = i;
    for (; j > 0 && (sorted[j - 1] as number) > value; j--) sorted[j] = sorted[j - 1] as number;
    sorted[j] = value;
  }
  return sorted[(length - 1) >> 1] as number;
}

/** The last reported ignition state: 1 on; 0 off or not reported. */
function lastWord({ held, ignitionOnAtMs }: DeviceState): number {
  for (let i = held.length - 1; i >= 0; i--) {
    const ignition = held[i]?.ignition ?? absent;
    if (ignition !== absent) return ignition;
  }
  return ignitionOnAtMs === never ? 0 : 1;
}

/** How long a silence after the last event must be to end a trip. */
export function silenceThresholdMs(state: DeviceState, rules: Rules): number {
  // An ignition report that is no longer valid was erased at the last event.
  if (lastWord(state) === 1) return rules.longestSilenceMs;
  if (state.usualMs === absent) return rules.shortestSilenceMs;
  const several = state.usualMs * rules.silenceIntervals;
  return Math.min(Math.max(several, rules.shortestSilenceMs), rules.longestSilenceMs);
}
