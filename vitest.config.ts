import { defineConfig } from 'vitest/config';

const long = process.env['ODOGRAPH_LONG'] === '1';
/** Engines fetch hundreds of megabytes: `npm run test:engines`. */
const engines = process.env['ODOGRAPH_ENGINES'] === '1';

export default defineConfig({
  // Node takes graphql's CommonJS build, as the libraries do; two builds side by side refuse each other.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: [engines ? 'test/engines/**/*.test.ts' : 'test/**/*.test.ts'],
    exclude: [
      ...(engines ? [] : ['test/engines/**']),
      ...(process.env['ODOGRAPH_LONG'] === '1' ? [] : ['test/**/*.long.test.ts']),
    ],
    globalSetup: ['test/support/services.ts'],
    setupFiles: ['test/support/seed.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    // The broker and the database want a core too.
    maxWorkers: 2,
    testTimeout: long ? 1_800_000 : 60_000,
    // The first file to ask for the broker waits until it has started, on a fresh machine also for its jars.
    hookTimeout: 300_000,
  },
});
