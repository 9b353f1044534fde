// `npm test`: the build, every check, every test, and one closing line that counts them all. Arguments
// go to vitest: `npm test -- test/core`.
import { spawnSync } from 'node:child_process';
import { runChecks } from './check.js';

const node = (args, env = {}) =>
  spawnSync(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } }).status ??
  1;

const built = node(['scripts/build.js']) === 0;
const checks = await runChecks();
const status = node(['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)], {
  ODOGRAPH_CHECKS_PASSED: String(checks.passed + (built ? 1 : 0)),
  ODOGRAPH_CHECKS_FAILED: String(checks.failed + (built ? 0 : 1)),
});
process.exit(built && checks.failed === 0 ? status : 1);
