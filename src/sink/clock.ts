import { performance } from 'node:perf_hooks';
import type { Store } from '../store/open.ts';
import { databaseNow } from '../store/ingest/offsets.ts';

/**
 * The database's clock. Sinks of which each has a clock of its own, right or wrong, date arrivals by
 * it, so that how long a device was silent does not depend on which sink asks.
 */
export interface Clock {
  /** Epoch milliseconds. Between two synchronisations time passes as the machine's monotonic clock counts it. */
  now(): number;
  /** @returns the database's time */
  synchronise(): Promise<Date>;
}

export function createClock(store: Store): Clock {
  let offsetMs = Date.now() - performance.now();
  return {
    now: () => Math.round(performance.now() + offsetMs),
    async synchronise() {
      const askedAt = performance.now();
      const now = await databaseNow(store);
      offsetMs = now.getTime() - (askedAt + performance.now()) / 2;
      return now;
    },
  };
}
