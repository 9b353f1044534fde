// Static checks. `node scripts/check.js` runs all of them, two at a time; `node scripts/check.js types` only those
// that are named.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Script and arguments of each check, run with Node. */
const checks = {
  eslint: [
    'node_modules/eslint/bin/eslint.js',
    '.',
    '--cache',
    '--cache-location',
    'node_modules/.cache/eslint/',
  ],
  types: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.check.json'],
  zones: [
    'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
    'src',
    'test',
    'scripts',
    '--config',
    '.dependency-cruiser.cjs',
  ],
  released: ['--import', './scripts/typescript.js', 'scripts/breaking-changes.ts'],
  unused: ['node_modules/knip/bin/knip.js', '--no-config-hints'],
  format: [
    'node_modules/prettier/bin/prettier.cjs',
    '--check',
    '.',
    '--log-level',
    'warn',
    '--cache',
  ],
};

/** @param {keyof typeof checks} name @returns {Promise<boolean>} whether it found nothing */
function check(name) {
  const startedMs = Date.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, checks[name], { cwd: root });
    let said = '';
    child.stdout.on('data', (chunk) => (said += chunk));
    child.stderr.on('data', (chunk) => (said += chunk));
    child.on('close', (code) => {
      const passed = code === 0;
      const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
      if (!passed) console.log(said.trim());
      console.log(`${passed ? 'passed' : 'FAILED'}: ${name} (${seconds} s)`);
      resolve(passed);
    });
  });
}

/** Runs checks, two at a time. @param {string[]} names @returns {Promise<{ passed: number, failed: number }>} */
export async function runChecks(names = Object.keys(checks)) {
  const queue = [...names];
  const results = [];
  const work = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      results.push(await check(/** @type {keyof typeof checks} */ (name)));
    }
  };
  await Promise.all([work(), work()]);
  const passed = results.filter(Boolean).length;
  return { passed, failed: results.length - passed };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  const unknown = names.find((name) => !(name in checks));
  if (unknown !== undefined) {
    console.error(`Unknown check "${unknown}". The checks are ${Object.keys(checks).join(', ')}.`);
    process.exit(2);
  }
  const { failed } = await runChecks(names.length > 0 ? names : undefined);
  process.exit(failed > 0 ? 1 : 0);
}
