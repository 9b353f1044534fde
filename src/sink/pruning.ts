import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import type { Lives } from '../store/ingest/prune.ts';
import { prune, readTableBytes } from '../store/ingest/prune.ts';
import type { Store } from '../store/open.ts';

export interface PruningOptions {
  readonly store: Store;
  readonly lives: Lives;
  readonly log: Logger;
  readonly onPruned: (rows: ReadonlyMap<string, number>) => void;
  readonly onSizes: (bytes: ReadonlyMap<string, number>) => void;
  /** How long to wait when nothing is left to remove, milliseconds; a minute if not given. */
  readonly pauseMs?: number;
}

/** Between two pieces the sink's own transactions come first. */
const BETWEEN_MS = 500;

/** Removes what has outlived its life, a piece at a time, beside the sink; a failure is tried again later. */
export function startPruning(options: PruningOptions): { stop(): Promise<void> } {
  const { store, lives, log, onPruned, onSizes, pauseMs = 60_000 } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      let more = false;
      try {
        const pruned = await prune(store, lives);
        onPruned(pruned.rows);
        more = pruned.more;
        if (!more) onSizes(await readTableBytes(store));
      } catch (error) {
        log.warn({ err: error }, 'could not remove old rows; trying again in a minute');
      }
      await sleep(more ? BETWEEN_MS : pauseMs, undefined, { signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
