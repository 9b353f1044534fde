/** A cursor can be resumed from for at least so long, milliseconds: the journal and the list of late events are kept for it. */
const CURSOR_LIFETIME_MS = 7 * 86_400_000;

/**
 * Whether what came after a cursor may be gone: it is older than a cursor is promised to live and than the oldest
 * entry that the journal still has, which is only then looked up.
 */
export async function isForgotten(
  madeAtMs: number,
  nowMs: number,
  readKeptFromMs: () => Promise<number | null>,
): Promise<boolean> {
  if (madeAtMs >= nowMs - CURSOR_LIFETIME_MS) return false;
  const keptFromMs = await readKeptFromMs();
  return keptFromMs === null || madeAtMs < keptFromMs;
}
