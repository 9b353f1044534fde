import { setTimeout as sleep } from 'node:timers/promises';

/** Looks again and again, one look at a time. */
export interface Lane {
  /** Looks soon; many calls during a look make one more look. */
  tick(): void;
  /** Resolves when the look under way is over; there is none afterwards. */
  close(): Promise<void>;
}

/**
 * @param look resolves to whether there is more to look at
 * @param onError called where a look fails; the next tick looks again
 * @param pauseMs time between two looks
 */
export function createLane(
  look: () => Promise<boolean>,
  onError: (error: unknown) => void,
  pauseMs = 0,
): Lane {
  const closing = new AbortController();
  let looking: Promise<void> | undefined;
  let again = false;

  const run = async (): Promise<void> => {
    do {
      again = false;
      try {
        if (await look()) again = true;
      } catch (error) {
        onError(error);
      }
      if (pauseMs > 0)
        await sleep(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined);
    } while (again && !closing.signal.aborted);
  };

  return {
    tick() {
      if (closing.signal.aborted) return;
      again = true;
      looking ??= run().finally(() => {
        looking = undefined;
        if (again) this.tick();
      });
    },
    async close() {
      closing.abort();
      await looking;
    },
  };
}
