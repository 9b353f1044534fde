import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaClient } from '../kafka.ts';
import { Problem } from '../problem.ts';
import { judgeFailure } from '../store/failures.ts';
import { loadOffsets } from '../store/ingest/offsets.ts';
import type { Store } from '../store/open.ts';
import { logProblem } from './log-identity.ts';
import type { Places } from './places.ts';
import type { Trouble } from './trouble.ts';
import { pauseMs } from './trouble.ts';

/**
 * Takes up the stored offsets of the partitions that the group assigned. Two causes lead here at any
 * moment, a rebalance and a commit that another sink has overtaken; they run one after another, each
 * for the newest assignment, and one that a newer one has overtaken does nothing more.
 */
export interface TakeOver {
  /** For a new assignment. Resolves when each partition is read from its stored offset. */
  assign(partitions: readonly number[]): Promise<void>;
  /** For the newest assignment, because stored offsets have moved. */
  again(): Promise<void>;
  stop(): void;
}

/** The last known record is read again if it is not further back than this. */
const MAX_BACK = 100_000;
/** Right after a change of leader a log may seem shorter than it is. */
const SHORT_LOG_ATTEMPTS = 7;

export function createTakeOver({
  kafka,
  store,
  topic,
  places,
  trouble,
  settled,
  seek,
}: {
  readonly kafka: Pick<KafkaClient, 'offsets'>;
  readonly store: Store;
  readonly topic: string;
  readonly places: Places;
  readonly trouble: Trouble;
  /** Resolves when no write is under way. */
  readonly settled: () => Promise<void>;
  readonly seek: (partition: number, offset: number) => void;
}): TakeOver {
  let newest: readonly number[] = [];
  let generation = 0;
  let last: Promise<void> = Promise.resolve();

  function enqueue(): Promise<void> {
    generation += 1;
    const mine = generation;
    const run = last.then(() => takeOver(() => mine === generation));
    last = run.catch(() => undefined);
    return run;
  }

  async function takeOver(isNewest: () => boolean): Promise<void> {
    for (let attempt = 0; isNewest(); attempt += 1) {
      try {
        if (await tryOnce(isNewest, attempt)) return;
      } catch (error) {
        if (error instanceof Problem || judgeFailure(error) === 'SETUP') throw error;
        trouble.report(isOfKafka(error) ? 'broker' : 'database', error);
      }
      await sleep(pauseMs(attempt));
    }
  }

  /** @returns false if the log seems shorter than what is stored; it is then looked at again */
  async function tryOnce(isNewest: () => boolean, attempt: number): Promise<boolean> {
    await settled();
    const ends = await kafka.offsets(topic);
    const stored = await loadOffsets(
      store,
      topic,
      new Map([...ends].map(([partition, { earliest }]) => [partition, earliest])),
    );
    if (!isNewest()) return true;
    const offsets = newest.filter((partition) => ends.has(partition)).map((p) => stored.get(p)!);
    if (offsets.length < newest.length && attempt < SHORT_LOG_ATTEMPTS) return false;
    for (const { partition, nextOffset } of offsets) {
      const { earliest, end } = ends.get(partition)!;
      if (earliest > nextOffset) throw logProblem.gap(topic, partition, nextOffset, earliest);
      if (nextOffset <= end) continue;
      if (attempt < SHORT_LOG_ATTEMPTS) return false;
      throw logProblem.rewound(topic, partition, nextOffset, end);
    }
    places.assign(offsets);
    for (const { partition, nextOffset, known } of offsets) {
      const isThere =
        known !== undefined &&
        known.offset >= ends.get(partition)!.earliest &&
        known.offset >= nextOffset - MAX_BACK;
      seek(partition, isThere ? known.offset : nextOffset);
    }
    return true;
  }

  return {
    assign(partitions) {
      newest = partitions;
      return enqueue();
    },
    again: enqueue,
    stop() {
      generation += 1;
    },
  };
}

function isOfKafka(error: unknown): boolean {
  return error instanceof Error && error.name.startsWith('KafkaJS');
}
