import { createDeferred } from './deferred.ts';

/** Notices that nothing moves any more for a reason that nothing else has noticed. */
export interface Watchdog {
  /** To be called whenever something moves, also within a batch, and while there is nothing to do. */
  progress(): void;
  /** Rejects when nothing has moved for minutes. */
  readonly stuck: Promise<never>;
  stop(): void;
}

const STUCK_MS = 180_000;
const CHECK_MS = 5_000;

export function createWatchdog(topic: string): Watchdog {
  const stuck = createDeferred<never>();
  stuck.promise.catch(() => undefined);
  let movedAt = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - movedAt < STUCK_MS) return;
    stuck.reject(
      new Error(
        `STUCK: nothing of ${topic} was stored for ${STUCK_MS / 1000} s though there is more to read`,
      ),
    );
  }, CHECK_MS);
  timer.unref();
  return {
    progress() {
      movedAt = performance.now();
    },
    stuck: stuck.promise,
    stop: () => clearInterval(timer),
  };
}
