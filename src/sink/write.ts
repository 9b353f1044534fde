import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import { Problem } from '../problem.ts';
import type { Failure } from '../store/failures.ts';
import { judgeFailure } from '../store/failures.ts';
import { FencedError } from '../store/ingest/commit.ts';
import { databaseNow } from '../store/ingest/offsets.ts';
import type { PreparedBatch } from './batch.ts';
import { commitBatch, forget, prepareBatch } from './batch.ts';
import type { BatchResult, PartitionBatch, Rules, SinkContext } from './context.ts';
import { countRecords, halve, setAside } from './halve.ts';
import type { Places } from './places.ts';
import type { Trouble } from './trouble.ts';
import { pauseMs } from './trouble.ts';

/**
 * Folds and writes batches, in order. A batch is folded while the one before it is written; if that one
 * fails, both are dropped and persisted one after another.
 */
export interface Writer {
  write(batch: readonly PartitionBatch[]): Promise<void>;
  /** Resolves when no write is under way, whether it succeeded or not. */
  settled(): Promise<void>;
  /** Gives up what is retried. */
  stop(): void;
}

/** How often the same failure is believed to be of the moment. */
const ATTEMPTS: Readonly<Record<Exclude<Failure, 'PASSING' | 'SETUP'>, number>> = {
  ROWS: 2,
  TOO_MUCH: 2,
  UNKNOWN: 3,
};

export function createWriter({
  sink,
  places,
  trouble,
  log,
  loadRules,
  onFenced,
  onWritten,
}: {
  readonly sink: SinkContext;
  readonly places: Places;
  readonly trouble: Trouble;
  readonly log: Logger;
  readonly loadRules: () => Promise<Rules>;
  /** Another sink has moved a stored offset: takes up the stored offsets anew. */
  readonly onFenced: () => Promise<void>;
  readonly onWritten: (result: BatchResult, durationMs: number) => void;
}): Writer {
  let stopping = false;
  /** The write under way, of the batch before the one that is folded. */
  let writing: Promise<void> = Promise.resolve();
  let before: readonly PartitionBatch[] = [];

  async function commit(prepared: PreparedBatch): Promise<void> {
    const startedAtMs = Date.now();
    await commitBatch(sink, prepared);
    places.committed(prepared.commit.offsets);
    trouble.over('database');
    sink.progress();
    onWritten(prepared.result, Date.now() - startedAtMs);
  }

  /**
   * Folds and writes a batch until it is written or another sink has written it.
   * @param error why it failed before
   * @returns false if the partitions have been taken over anew, so that later batches are void
   */
  async function persist(batch: readonly PartitionBatch[], error?: unknown): Promise<boolean> {
    let failure: unknown = error;
    let same = { text: '', count: 0 };
    for (let attempt = 0; !stopping; attempt += 1) {
      try {
        if (failure !== undefined) {
          const isDifferent = describe(failure) !== same.text;
          same = { text: describe(failure), count: isDifferent ? 1 : same.count + 1 };
          const verdict = await judge(failure, same.count, attempt);
          if (verdict === 'DROPPED') return false;
          if (verdict === 'HALVE') return await halveAndPersist(batch, failure);
        }
        await commit(await prepareBatch(sink, batch, async () => undefined));
        return true;
      } catch (again) {
        if (again instanceof FinalError || again instanceof Problem) throw again;
        failure = again;
      }
    }
    return false;
  }

  /** @throws what cannot be the fault of a record and does not pass by itself */
  async function judge(
    failure: unknown,
    count: number,
    attempt: number,
  ): Promise<'AGAIN' | 'DROPPED' | 'HALVE'> {
    if (failure instanceof FencedError) {
      if (failure.by === 'OFFSET') {
        log.info(failure.message);
        await onFenced();
        return 'DROPPED';
      }
      if (failure.by === 'RULES') {
        sink.rules = await loadRules();
        sink.cache.clear();
      }
      if (attempt > 2) await sleep(pauseMs(0));
      return 'AGAIN';
    }
    const kind = judgeFailure(failure);
    if (kind === 'SETUP') throw new FinalError(failure);
    if (kind === 'PASSING' || (kind === 'UNKNOWN' && !(await isDatabaseThere()))) {
      trouble.report('database', failure);
      sink.progress();
      await sleep(pauseMs(attempt));
      return 'AGAIN';
    }
    log.warn({ err: failure }, 'a batch failed');
    if (count >= ATTEMPTS[kind]) return 'HALVE';
    if (kind !== 'ROWS') await sleep(pauseMs(attempt));
    return 'AGAIN';
  }

  async function isDatabaseThere(): Promise<boolean> {
    return databaseNow(sink.store).then(
      () => true,
      () => false,
    );
  }

  /** Finds the records that cannot be stored, and sets them aside. */
  async function halveAndPersist(
    batch: readonly PartitionBatch[],
    failure: unknown,
  ): Promise<boolean> {
    const count = countRecords(batch);
    if (count > 1) {
      log.warn(`a batch of ${count} records fails each time; it is halved`);
      const [first, second] = halve(batch);
      return (await persist(first)) && (await persist(second));
    }
    const aside = setAside(batch, failure);
    if (!aside || judgeFailure(failure) === 'TOO_MUCH') throw new FinalError(failure);
    const { partition, offset } = aside.record;
    log.error({ err: failure, partition, offset }, 'a record cannot be stored; it is set aside');
    return persist(aside.batch);
  }

  return {
    async write(batch) {
      let prepared: PreparedBatch | undefined;
      try {
        if (batch.length > 0) prepared = await prepareBatch(sink, batch, () => writing);
        await writing;
        if (!prepared) return;
        before = batch;
        writing = commit(prepared);
        // A write that fails must be retried even if nothing more is read.
        writing.catch(() => places.wake());
      } catch (error) {
        if (prepared) forget(sink, prepared.externalIds);
        const isOfBefore = await writing.then(
          () => false,
          () => true,
        );
        writing = Promise.resolve();
        if (isOfBefore && !(await unwrapped(persist(before, error)))) return;
        if (batch.length > 0) await unwrapped(persist(batch, isOfBefore ? undefined : error));
      }
    },
    settled: () => writing.catch(() => undefined),
    stop() {
      stopping = true;
    },
  };
}

/** Passes through `persist`, which would retry the error itself. */
class FinalError extends Error {
  constructor(cause: unknown) {
    super('final', { cause });
  }
}

async function unwrapped<T>(result: Promise<T>): Promise<T> {
  return result.catch((error: unknown) => {
    throw error instanceof FinalError ? error.cause : error;
  });
}

function describe(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return `${String(code)} ${String(message)}`;
}
