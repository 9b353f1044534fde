import type { FoldContext } from '../../src/core/advance.ts';
import { createRulesTimeline, newestRules } from '../../src/core/rules.ts';
import { commitBatch, prepareBatch } from '../../src/sink/batch.ts';
import type { BatchResult, PartitionBatch, SinkContext } from '../../src/sink/context.ts';
import { createDeviceCache } from '../../src/sink/cache.ts';
import { createDeadLetterBudget } from '../../src/sink/dead-letter-budget.ts';
import { measureDeadLetters } from '../../src/store/ingest/dead-letters.ts';
import { createIdBlocks } from '../../src/store/ingest/ids.ts';
import type { Store } from '../../src/store/open.ts';
import { createPartitions } from '../../src/store/ingest/partitions.ts';
import { loadZones } from '../../src/zones.ts';

const zones = loadZones();
export const foldContext: FoldContext = {
  rulesAt: createRulesTimeline(newestRules),
  zonesOf: loadZones,
};

const decoder = new TextDecoder('utf-8', { fatal: true });

/** A sink's context on a real store, with an empty cache. */
export function createSinkContext(store: Store, topic: string): SinkContext {
  return {
    store,
    topic,
    decoding: {
      textSpeedUnit: 'mph',
      textTimeZone: 'UTC',
      zones,
      decodeUtf8: (bytes) => {
        try {
          return decoder.decode(bytes);
        } catch {
          return undefined;
        }
      },
    },
    rules: { fold: foldContext, rows: newestRules.length },
    cache: createDeviceCache(1_000),
    ids: createIdBlocks(store),
    deadLetters: createDeadLetterBudget(
      1024 * 1024 * 1024,
      () => measureDeadLetters(store),
      Date.now,
    ),
    now: Date.now,
    ensurePartitions: createPartitions(store),
    progress: () => undefined,
  };
}

/** Folds and commits one batch, as a sink does that reads nothing ahead. */
export async function processBatch(
  sink: SinkContext,
  partitions: readonly PartitionBatch[],
): Promise<BatchResult> {
  const prepared = await prepareBatch(sink, partitions, async () => undefined);
  await commitBatch(sink, prepared);
  return prepared.result;
}
