import type { Zones } from '../../../src/core/zones.ts';

const minute = 60_000;

export function localDate(zones: Zones, zone: string, atMs: number): string {
  return new Date(atMs + zones.offsetMsAt(zone, atMs)).toISOString().slice(0, 10);
}

/** Night is 22:00 to 04:00. */
export function isNight(zones: Zones, zone: string, atMs: number): boolean {
  const hours = new Date(atMs + zones.offsetMsAt(zone, atMs)).getUTCHours();
  return hours >= 22 || hours < 4;
}

/** Books amounts on local dates: what falls to a cut is the floor of all so far, in whole units. */
export interface Ledger {
  readonly byDate: ReadonlyMap<string, number>;
  readonly nightByDate: ReadonlyMap<string, number>;
  readonly whole: () => number;
  readonly add: (fromMs: number, toMs: number, amount: bigint, zone: string) => void;
}

export function createLedger(unit: bigint, zones: Zones): Ledger {
  let sum = 0n;
  const byDate = new Map<string, number>();
  const nightByDate = new Map<string, number>();
  return {
    byDate,
    nightByDate,
    whole: () => Number(sum / unit),
    add(fromMs, toMs, amount, zone) {
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
        const whole = Number((sum + passed) / unit - (sum + given) / unit);
        byDate.set(date, (byDate.get(date) ?? 0) + whole);
        if (night) nightByDate.set(date, (nightByDate.get(date) ?? 0) + whole);
        given = passed;
        cutMs = nextMs;
      }
      sum += amount;
    },
  };
}
