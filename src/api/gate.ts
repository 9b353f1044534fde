import type { ReadOptions } from '../store/read/transaction.ts';
import { createRateError } from './errors.ts';

/** How operations over a whole book of business read: after queueing at a gate, from their own pool. */
export type Heavy = Required<Omit<ReadOptions, 'snapshot' | 'signal'>>;

export interface Gate {
  /**
   * Waits for a place, until the client disconnects at the latest. @returns a function that frees the place
   * @throws RATE_LIMITED
   */
  acquire(signal?: AbortSignal): Promise<() => void>;
}

export interface GateSettings {
  /** Number that may run at once. */
  readonly places: number;
  /** Number that may wait. */
  readonly queue: number;
  /** Longest wait before a rejection, milliseconds. */
  readonly waitMs: number;
}

/** FIFO semaphore: at most `places` run at once; others queue and are rejected after `waitMs`. */
export function createGate({ places, queue, waitMs }: GateSettings): Gate {
  const waiting: (() => void)[] = [];
  let running = 0;

  const freeOnce = () => {
    let freed = false;
    return () => {
      if (freed) return;
      freed = true;
      const next = waiting.shift();
      if (next) next();
      else running--;
    };
  };
  return {
    acquire: (signal) => {
      if (signal?.aborted) return Promise.reject(busy(waitMs));
      if (running < places) {
        running++;
        return Promise.resolve(freeOnce());
      }
      if (waiting.length >= queue) return Promise.reject(busy(waitMs));
      return new Promise((resolve, reject) => {
        const start = () => {
          stopWaiting();
          resolve(freeOnce());
        };
        const giveUp = () => {
          stopWaiting();
          waiting.splice(waiting.indexOf(start), 1);
          reject(busy(waitMs));
        };
        const timer = setTimeout(giveUp, waitMs);
        signal?.addEventListener('abort', giveUp);
        const stopWaiting = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', giveUp);
        };
        waiting.push(start);
      });
    },
  };
}

function busy(retryAfterMs: number): Error {
  return createRateError(
    'Too many queries over whole books of business are running.',
    retryAfterMs,
  );
}
