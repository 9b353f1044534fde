import { defineConfig } from 'vitest/config';

// The core's own tests: pure, so that thousands of mutants can be tried without a server. One seed, so
// that a mutant lives or dies by the same cases each time; no shrinking, since it only has to die.
// Left out are the two that try the same properties on more cases.
export default defineConfig({
  test: {
    include: ['test/core/**/*.test.ts'],
    exclude: ['test/core/adversarial.test.ts', 'test/core/orders.test.ts'],
    setupFiles: ['test/support/seed.ts'],
    env: { FC_SEED: '1', FC_SHRINK: 'no' },
    testTimeout: 60_000,
  },
});
