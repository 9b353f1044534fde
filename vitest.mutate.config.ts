import { defineConfig } from 'vitest/config';

// The core's own tests: pure, so that thousands of mutants can be tried without a server.
export default defineConfig({
  test: { include: ['test/core/**/*.test.ts'], setupFiles: ['test/support/seed.ts'] },
});
