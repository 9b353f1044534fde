import type { FoldContext } from '../../src/core/advance.ts';
import { createRulesTimeline, newestRules } from '../../src/core/rules.ts';
import type { Bench } from '../../src/sink/bench.ts';
import { createDeviceCache } from '../../src/sink/cache.ts';
import { createIdBlocks } from '../../src/store/ingest/ids.ts';
import type { Store } from '../../src/store/open.ts';
import { createPartitions } from '../../src/store/ingest/partitions.ts';
import { loadZones } from '../../src/zones.ts';

const zones = loadZones();
export const foldContext: FoldContext = { rulesAt: createRulesTimeline(newestRules), zones };

const decoder = new TextDecoder('utf-8', { fatal: true });

/** A sink's bench on a real store, with an empty memory. */
export function createBench(store: Store, topic: string): Bench {
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
    context: foldContext,
    rulesRows: newestRules.length,
    cache: createDeviceCache(1_000),
    ids: createIdBlocks(store),
    now: Date.now,
    ensurePartitions: createPartitions(store),
  };
}
