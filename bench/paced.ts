import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from './load.ts';
import { post, quantile } from './load.ts';

/** Where somebody asks, and as whom. */
export type Asking = Pick<Target, 'url' | 'headers'>;

export interface Paced {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Questions whose answer was an error; their times count as others do. */
  readonly failed: number;
}

/**
 * Asks the next of `bodies` at an even rate, whether or not the ones before are answered. An answer's
 * time begins when its question was due: a server that stands still delays all that would have come.
 */
export async function measurePaced(
  { url, headers }: Asking,
  bodies: readonly string[],
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<Paced> {
  const agent = new Agent({ keepAlive: true });
  let failed = 0;
  const startMs = performance.now();
  const timesMs = await Promise.all(
    Array.from({ length: perSecond * seconds }, async (_, i) => {
      const dueMs = startMs + (i * 1000) / perSecond;
      await sleep(dueMs - performance.now());
      await post(agent, url, headers, bodies[i % bodies.length] ?? '').catch(() => failed++);
      return performance.now() - dueMs;
    }),
  );
  agent.destroy();
  timesMs.sort((a, b) => a - b);
  return { p50Ms: quantile(timesMs, 0.5), p99Ms: quantile(timesMs, 0.99), failed };
}
