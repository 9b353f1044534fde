import type { Zones } from '../../../src/core/zones.ts';

const minute = 60_000;

export function localDate(zones: Zones, zone: string, atMs: number): string {
  return new Date(atMs + zones.offsetMsAt(zone, atMs)).toISOString().slice(0, 10);
}

function localHour(zones: Zones, zone: string, atMs: number): number {
  return new Date(atMs + zones.offsetMsAt(zone, atMs)).getUTCHours();
}

/** Books amounts on local dates: what falls to a cut is the floor of all so far, in whole units. */
export interface Ledger {
  readonly byDate: ReadonlyMap<string, number>;
  /** Night is 22:00 to 04:00. */
  readonly nightByDate: ReadonlyMap<string, number>;
  /** By a name like `hour08.m`, then by date. */
  readonly byHour: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly whole: () => number;
  readonly add: (fromMs: number, toMs: number, amount: bigint, zone: string) => void;
}

export function createLedger(unit: bigint, zones: Zones): Ledger {
  let sum = 0n;
  const byDate = new Map<string, number>();
  const nightByDate = new Map<string, number>();
  const byHour = new Map<string, Map<string, number>>();
  const book = (on: Map<string, number>, date: string, whole: number) =>
    on.set(date, (on.get(date) ?? 0) + whole);
  return {
    byDate,
    nightByDate,
    byHour,
    whole: () => Number(sum / unit),
    add(fromMs, toMs, amount, zone) {
      let cutMs = fromMs;
      let given = 0n;
      while (cutMs < toMs || (cutMs === toMs && fromMs === toMs)) {
        const date = localDate(zones, zone, cutMs);
        const hour = localHour(zones, zone, cutMs);
        // Local dates and hours change on whole minutes.
        let nextMs = (Math.floor(cutMs / minute) + 1) * minute;
        while (
          nextMs < toMs &&
          localDate(zones, zone, nextMs) === date &&
          localHour(zones, zone, nextMs) === hour
        ) {
          nextMs += minute;
        }
        const passed =
          nextMs >= toMs ? amount : (amount * BigInt(nextMs - fromMs)) / BigInt(toMs - fromMs);
        const whole = Number((sum + passed) / unit - (sum + given) / unit);
        book(byDate, date, whole);
        if (hour >= 22 || hour < 4) book(nightByDate, date, whole);
        const name = `hour${String(hour).padStart(2, '0')}.m`;
        byHour.set(name, book(byHour.get(name) ?? new Map<string, number>(), date, whole));
        given = passed;
        cutMs = nextMs;
      }
      sum += amount;
    },
  };
}
