import type { KafkaClient } from '../kafka.ts';
import type { Logger } from '../log.ts';
import type { StoredOffset } from '../store/ingest/offsets.ts';
import { databaseNow, markReadThrough } from '../store/ingest/offsets.ts';
import type { Store } from '../store/open.ts';
import { createDeferred } from './deferred.ts';

interface Sample {
  readonly at: Date;
  /** Offset after the last record that stood in the log after `at`, a partition. */
  readonly ends: ReadonlyMap<number, number>;
}

/**
 * Tells how fresh the stored data are: a moment of the database's clock, then the log's ends; once
 * all up to them is stored, everything that had arrived by that moment is.
 */
export interface Freshness {
  start(owned: () => readonly StoredOffset[]): void;
  /** To be told after each batch. */
  reached(stored: ReadonlyMap<number, StoredOffset>): void;
  /** Records of these partitions that stood in the log at the last sample and are not stored. */
  lag(stored: ReadonlyMap<number, StoredOffset>, owned: ReadonlySet<number>): number;
  stop(): void;
  /** Rejects where nothing has moved for minutes though there is something to read. */
  readonly failed: Promise<never>;
}

const SAMPLE_EVERY_MS = 1_000;
const STUCK_MS = 180_000;

export function createFreshness({
  store,
  topic,
  kafka,
  log,
}: {
  readonly store: Store;
  readonly topic: string;
  readonly kafka: KafkaClient;
  readonly log: Logger;
}): Freshness {
  const failed = createDeferred<never>();
  failed.promise.catch(() => undefined);
  let sample: Sample | undefined;
  let ends: ReadonlyMap<number, number> = new Map();
  let timer: NodeJS.Timeout | undefined;
  let progress = { total: -1, atMs: Date.now() };
  let writing: Promise<void> | undefined;

  function markReached(offsets: readonly StoredOffset[]): void {
    const pending = sample;
    if (!pending || offsets.length === 0 || writing) return;
    if (offsets.some((o) => o.nextOffset < (pending.ends.get(o.partition) ?? 0))) return;
    sample = undefined;
    const own = new Map(offsets.map((o) => [o.partition, pending.ends.get(o.partition) ?? 0]));
    writing = markReadThrough(store, topic, own, pending.at)
      .catch((error: unknown) => log.warn({ error }, 'how fresh the data are could not be noted'))
      .finally(() => {
        writing = undefined;
      });
  }

  async function take(): Promise<void> {
    const at = await databaseNow(store);
    ends = new Map([...(await kafka.offsets(topic))].map(([p, { end }]) => [p, end]));
    sample = { at, ends };
  }

  function watch(offsets: readonly StoredOffset[]): void {
    const total = offsets.reduce((sum, o) => sum + o.nextOffset, 0);
    const behind = offsets.some((o) => o.nextOffset < (ends.get(o.partition) ?? 0));
    if (total !== progress.total || !behind) progress = { total, atMs: Date.now() };
    else if (Date.now() - progress.atMs > STUCK_MS) {
      failed.reject(
        new Error(
          `STUCK: nothing of ${topic} was stored for ${STUCK_MS / 1000} s though there is more to read`,
        ),
      );
    }
  }

  return {
    start(owned) {
      const tick = async (): Promise<void> => {
        try {
          if (!sample) await take();
          markReached(owned());
          watch(owned());
        } catch (error) {
          log.debug({ error }, 'no sample of the log could be taken');
        }
        if (timer) timer = setTimeout(() => void tick(), SAMPLE_EVERY_MS);
      };
      timer = setTimeout(() => void tick(), 0);
    },
    reached: (stored) => markReached([...stored.values()]),
    lag: (stored, owned) =>
      [...owned].reduce(
        (sum, p) => sum + Math.max(0, (ends.get(p) ?? 0) - (stored.get(p)?.nextOffset ?? 0)),
        0,
      ),
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
    failed: failed.promise,
  };
}
