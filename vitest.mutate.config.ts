import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

const SLOW = [
  'premium/shares',
  'premium/what-if',
  'premium/silent-days',
  'premium/properties',
  'orders',
  'drives',
  'advance',
  'checker',
];

/** What dies in milliseconds is not left to the files that take seconds: they come last, the slowest at the end. */
class QuickFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number =>
      SLOW.findIndex((name) => moduleId.endsWith(`/test/core/${name}.test.ts`));
    return Promise.resolve(
      files.toSorted((a, b) => rank(a) - rank(b) || a.moduleId.localeCompare(b.moduleId)),
    );
  }
}

// The core's own tests: pure, so that thousands of mutants can be tried without a server. One seed, so
// that a mutant lives or dies by the same cases each time; no shrinking, since it only has to die, and
// fewer cases. Left out are the hostile input, which tries the same on more cases, and those that bundle the
// sources anew or fit a model.
export default defineConfig({
  test: {
    include: ['test/core/**/*.test.ts'],
    exclude: [
      'test/core/adversarial.test.ts',
      'test/core/bundle.test.ts',
      'test/core/premium/tariff/coefficients-fit.test.ts',
      'test/core/premium/node-versions.test.ts',
    ],
    setupFiles: ['test/support/seed.ts'],
    env: { FC_SEED: '1', FC_SHRINK: 'no', ODOGRAPH_MUTANT: '1' },
    sequence: { sequencer: QuickFirst },
    testTimeout: 60_000,
  },
});
