import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import { judgeFailure } from '../store/failures.ts';

/** What a sink may have to wait for. */
export type Dependency = 'database' | 'broker';

export interface Waiting {
  readonly for: Dependency;
  readonly sinceMs: number;
  readonly message: string;
}

/** What a sink waits for at the moment. It goes on by itself; health, metrics and the log say so. */
export interface Trouble {
  report(dependency: Dependency, error: unknown): void;
  over(dependency: Dependency): void;
  waiting(): readonly Waiting[];
}

const LOG_EVERY_MS = 10_000;

export function createTrouble(log: Logger): Trouble {
  const waiting = new Map<Dependency, Waiting>();
  let loggedAtMs = 0;
  return {
    report(dependency, error) {
      const message = error instanceof Error ? error.message : String(error);
      const sinceMs = waiting.get(dependency)?.sinceMs ?? Date.now();
      waiting.set(dependency, { for: dependency, sinceMs, message: message.slice(0, 300) });
      if (Date.now() - loggedAtMs < LOG_EVERY_MS) return;
      loggedAtMs = Date.now();
      log.warn({ err: error }, `waiting for the ${dependency}`);
    },
    over(dependency) {
      const past = waiting.get(dependency);
      if (!past) return;
      waiting.delete(dependency);
      loggedAtMs = 0;
      const seconds = Math.round((Date.now() - past.sinceMs) / 1000);
      log.info(`the ${dependency} is back after ${seconds} s`);
    },
    waiting: () => [...waiting.values()],
  };
}

/** Pauses between attempts: short at first, then up to two seconds, so that a restart costs little more. */
export function pauseMs(attempt: number): number {
  return Math.min(2_000, 100 * 2 ** Math.min(attempt, 6)) * (0.75 + Math.random() / 2);
}

/**
 * Repeats a request until it succeeds, if its failure passes by itself.
 * @returns undefined if the signal came first
 */
export async function patiently<T>(
  dependency: Dependency,
  request: () => Promise<T>,
  { trouble, signal }: { readonly trouble: Trouble; readonly signal: AbortSignal },
): Promise<T | undefined> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      const result = await request();
      trouble.over(dependency);
      return result;
    } catch (error) {
      if (!doesPass(error)) throw error;
      trouble.report(dependency, error);
    }
    await sleep(pauseMs(attempt), undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** Whether a request that failed at the start may succeed later without anybody changing a setting. */
function doesPass(error: unknown): boolean {
  const { name, retriable } = error as { name?: string; retriable?: boolean };
  if (name?.startsWith('KafkaJS')) {
    const cause = (error as { cause?: { retriable?: boolean } }).cause;
    return (
      retriable === true || name === 'KafkaJSNumberOfRetriesExceeded' || cause?.retriable === true
    );
  }
  return ['PASSING', 'UNKNOWN'].includes(judgeFailure(error));
}
