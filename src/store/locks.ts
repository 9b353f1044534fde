/**
 * Keys of PostgreSQL's advisory locks, which each database has for itself: ASCII that begins with 'odo',
 * but for the oldest, so that they meet no key of another program.
 */
export const LOCKS = {
  /** Every commit shares it; adding a row to the rules takes it alone. */
  rules: 0x0d06_0001,
  /** 'odog': one process at a time migrates; many may start at once. */
  migrate: 0x6f646f67,
  /** 'odop': one process at a time creates partitions of the event table. */
  partitions: 0x6f646f70,
  /** 'odox': one sink at a time removes what has outlived its life. */
  prune: 0x6f646f78,
} as const;
