import type { FoldContext } from '../core/advance.ts';
import type { DecodeSettings } from '../core/decode/format.ts';
import type { LogRecord } from '../kafka.ts';
import type { IdBlocks } from '../store/ingest/ids.ts';
import type { Store } from '../store/open.ts';
import type { DeviceCache } from './cache.ts';
import type { DeadLetterBudget } from './dead-letter-budget.ts';

/** Everything a sink needs that is not a pure function of the batch. */
export interface SinkContext {
  readonly store: Store;
  readonly topic: string;
  readonly decoding: Decoding;
  /** Replaced when rows were added to the table `rules`; the cache is cleared with it. */
  rules: Rules;
  readonly cache: DeviceCache;
  readonly ids: IdBlocks;
  readonly deadLetters: DeadLetterBudget;
  readonly now: () => number;
  /** Creates the partitions of the event table for these seconds since 2000. */
  readonly ensurePartitions: (secs: Iterable<number>) => Promise<void>;
  /** Called within a batch whenever a piece of its work is done. */
  readonly progress: () => void;
}

/** How records are decoded. */
export interface Decoding extends DecodeSettings {
  /** Loads a batch's schemas before it is decoded; waits, reporting progress, while that is not possible. */
  readonly loadSchemas?: (ids: ReadonlySet<number>, progress: () => void) => Promise<void>;
}

export interface Rules {
  readonly fold: FoldContext;
  /** Rows of the table `rules` that `fold` was built from. */
  readonly rows: number;
}

/** Records of one partition that follow the stored offset. */
export interface PartitionBatch {
  readonly partition: number;
  /** The stored offset; the records begin at it, or after offsets that the log has no record for. */
  readonly from: number;
  /** The offset after it; control records and aborted transactions may follow the last record. */
  readonly to: number;
  readonly records: readonly LogRecord[];
}

export interface BatchResult {
  readonly events: number;
  readonly duplicates: number;
  readonly late: number;
  /** Records that could not be used, by reason, … */
  readonly deadLetters: ReadonlyMap<string, number>;
  /** … and how many of them were beyond the budget. */
  readonly deadLettersNotKept: number;
  readonly unknownFields: number;
  readonly leftOut: readonly {
    readonly field: string;
    readonly reason: string;
    readonly count: number;
  }[];
  readonly records: number;
  /** Devices whose past late events have changed. */
  readonly repairedDevices: number;
}
