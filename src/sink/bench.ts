import type { FoldContext } from '../core/advance.ts';
import type { DecodeSettings } from '../core/decode/format.ts';
import type { LogRecord } from '../kafka.ts';
import type { IdBlocks } from '../store/ingest/ids.ts';
import type { Store } from '../store/open.ts';
import type { DeviceCache } from './cache.ts';

/** What a sink works with; everything that is not a pure function of the batch. */
export interface Bench {
  readonly store: Store;
  readonly topic: string;
  readonly decoding: DecodeSettings;
  readonly context: FoldContext;
  /** Rows of `rules` that `context` was made of. */
  readonly rulesRows: number;
  readonly cache: DeviceCache;
  readonly ids: IdBlocks;
  readonly now: () => number;
  /** Makes the partitions of the event table that these seconds since 2000 fall in. */
  readonly ensurePartitions: (secs: Iterable<number>) => Promise<void>;
}

/** Records of one partition that follow the stored offset. */
export interface PartitionBatch {
  readonly partition: number;
  /** The stored offset; the records begin at it, or behind a hole of the log. */
  readonly from: number;
  readonly records: readonly LogRecord[];
}

export interface BatchResult {
  readonly events: number;
  readonly duplicates: number;
  readonly late: number;
  readonly deadLetters: number;
  readonly unknownFields: number;
}
