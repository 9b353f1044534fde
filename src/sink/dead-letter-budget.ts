import type { DeadLetter, OverflowMove } from '../store/ingest/dead-letters.ts';
import { sizeOf } from '../store/ingest/dead-letters.ts';

/**
 * Bounds what dead letters take of the disk. Within the budget a record is kept whole. Beyond it only
 * counts and offsets are kept, by partition, reason and hour: the record itself is still in the log.
 */
export interface DeadLetterBudget {
  /** Divides the dead letters of a batch; asks the store how much is kept, at most every ten seconds. */
  divide(letters: readonly DeadLetter[]): Promise<Divided>;
  /** Whether the last batch with dead letters was beyond the budget. */
  isExceeded(): boolean;
}

export interface Divided {
  readonly kept: readonly DeadLetter[];
  readonly overflow: readonly OverflowMove[];
}

/** What a row takes besides the bytes of its record. */
const ROW_BYTES = 500;
const MEASURED_FOR_MS = 10_000;
const HOUR_MS = 3_600_000;

/**
 * @param measure bytes of the records kept and the number of their rows
 */
export function createDeadLetterBudget(
  limitBytes: number,
  measure: () => Promise<{ readonly bytes: number; readonly rows: number }>,
  now: () => number,
): DeadLetterBudget {
  let used = 0;
  let measuredAtMs = -Infinity;
  let exceeded = false;
  return {
    async divide(letters) {
      if (letters.length === 0) return { kept: letters, overflow: [] };
      if (now() - measuredAtMs > MEASURED_FOR_MS) {
        const { bytes, rows } = await measure();
        used = bytes + rows * ROW_BYTES;
        measuredAtMs = now();
      }
      const kept: DeadLetter[] = [];
      const beyond: DeadLetter[] = [];
      for (const letter of letters) {
        const bytes = sizeOf(letter) + ROW_BYTES;
        if (used + bytes > limitBytes) beyond.push(letter);
        else {
          used += bytes;
          kept.push(letter);
        }
      }
      exceeded = beyond.length > 0;
      return { kept, overflow: addUp(beyond) };
    },
    isExceeded: () => exceeded,
  };
}

function addUp(letters: readonly DeadLetter[]): OverflowMove[] {
  const sums = new Map<string, OverflowMove>();
  for (const { partition, reason, atMs, offset, message } of letters) {
    const hourMs = Math.floor(atMs / HOUR_MS) * HOUR_MS;
    const key = `${partition} ${reason} ${hourMs}`;
    const sum = sums.get(key);
    sums.set(key, {
      partition,
      reason,
      hourMs,
      count: (sum?.count ?? 0) + 1,
      firstOffset: Math.min(sum?.firstOffset ?? offset, offset),
      lastOffset: Math.max(sum?.lastOffset ?? offset, offset),
      lastMessage: message,
    });
  }
  return [...sums.values()];
}
