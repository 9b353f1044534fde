import { ownEnvironment } from '../config.ts';

/** A Ctrl-C reaches a process twice when npm started it: from the terminal and from npm, which forwards it. */
const SAME_INTERRUPT_MS = 1_000;
const PARENT_CHECK_MS = 500;

/**
 * Calls back at SIGINT and SIGTERM, and when npm, having started this process, has ended without a signal.
 * @returns a function that stops this.
 */
export function onInterrupt(interrupt: (reason: string) => void): () => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  const handle = (reason: string) => {
    const nowMs = performance.now();
    if (nowMs - lastMs < SAME_INTERRUPT_MS) return;
    lastMs = nowMs;
    interrupt(reason);
  };
  process.on('SIGINT', handle).on('SIGTERM', handle);
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    handle('npm has ended');
  }, PARENT_CHECK_MS);
  watch.unref();
  if (ownEnvironment()['npm_lifecycle_event'] === undefined) clearInterval(watch);
  return () => {
    clearInterval(watch);
    process.off('SIGINT', handle).off('SIGTERM', handle);
  };
}
