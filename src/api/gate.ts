import type { ReadingOptions } from '../store/read/reading.ts';
import { createRateError } from './errors.ts';

/** How questions over a whole book of business read: behind a gate, from a pool of their own. */
export type Heavy = Required<Omit<ReadingOptions, 'snapshot' | 'gone'>>;

export interface Gate {
  /**
   * Waits for a turn, no longer than somebody is there to be answered. The function that it resolves to gives the
   * turn back.
   *
   * @throws RATE_LIMITED
   */
  enter(gone?: AbortSignal): Promise<() => void>;
}

export interface GateSettings {
  /** How many may be inside at once. */
  readonly places: number;
  /** How many may wait before it. */
  readonly queue: number;
  /** How long one waits before it is sent away, milliseconds. */
  readonly waitMs: number;
}

/** Lets a few in at a time, in the order in which they came, and sends away who would wait too long. */
export function createGate({ places, queue, waitMs }: GateSettings): Gate {
  const waiting: (() => void)[] = [];
  let inside = 0;

  const leaveOnce = () => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = waiting.shift();
      if (next) next();
      else inside--;
    };
  };
  return {
    enter: (gone) => {
      if (gone?.aborted) return Promise.reject(busy(waitMs));
      if (inside < places) {
        inside++;
        return Promise.resolve(leaveOnce());
      }
      if (waiting.length >= queue) return Promise.reject(busy(waitMs));
      return new Promise((resolve, reject) => {
        const turn = () => {
          stopWaiting();
          resolve(leaveOnce());
        };
        const sendAway = () => {
          stopWaiting();
          waiting.splice(waiting.indexOf(turn), 1);
          reject(busy(waitMs));
        };
        const timer = setTimeout(sendAway, waitMs);
        gone?.addEventListener('abort', sendAway);
        const stopWaiting = () => {
          clearTimeout(timer);
          gone?.removeEventListener('abort', sendAway);
        };
        waiting.push(turn);
      });
    },
  };
}

function busy(retryAfterMs: number): Error {
  return createRateError(
    'Too many questions over a whole book of business are under way.',
    retryAfterMs,
  );
}
