import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends a run with one line for people and scripts, `N passed, N failed`. `npm test` passes on the
 * results of its other checks, so that the line counts them too. With CI set, a skipped test counts as failed.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = Number(process.env['ODOGRAPH_CHECKS_PASSED'] ?? 0);
    let failed = Number(process.env['ODOGRAPH_CHECKS_FAILED'] ?? 0) + errors.length;
    const skipped: string[] = [];
    for (const module of modules) {
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
        else skipped.push(`${module.relativeModuleId}: ${test.fullName}`);
      }
    }
    if (process.env['CI'] && skipped.length > 0) {
      console.log(`Skipped, which nothing may be here:\n  ${skipped.join('\n  ')}`);
      failed += skipped.length;
      process.exitCode = 1;
    }
    console.log(`\n${passed} passed, ${failed} failed`);
  }
}
