import { defineConfig } from 'vitest/config';

// The core's own tests: pure, so that thousands of mutants can be tried without a server; one seed,
// so that a mutant lives or dies by the same cases each time.
export default defineConfig({
  test: {
    include: ['test/core/**/*.test.ts'],
    setupFiles: ['test/support/seed.ts'],
    env: { FC_SEED: '1' },
    testTimeout: 60_000,
  },
});
