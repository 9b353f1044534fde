// Builds dist/ in three steps: the Prisma client, the GraphQL resolver types, the TypeScript sources.
// A step is skipped if its input has not changed since its last success, so that `npm start` can
// call this every time. Plain JavaScript: it runs before anything is compiled.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

const stampFile = 'dist/.stamps.json';
const executable = 'dist/cli/odograph.js';

/** @returns {Record<string, string>} */
function readStamps() {
  try {
    return JSON.parse(fs.readFileSync(stampFile, 'utf8'));
  } catch {
    return {};
  }
}

/** Files of a folder, deepest included, in a fixed order. @param {string} folder @returns {string[]} */
function listFiles(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

/** @param {string[]} files */
function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) {
    if (fs.existsSync(file)) hash.update(`${file}\0`).update(fs.readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

/** @param {string} bin a script of an installed package @param {string[]} args */
function run(bin, args, env = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  if (status === 0) return true;
  process.stderr.write(`${stdout}${stderr}\nnpm run build: ${path.basename(bin)} failed.\n`);
  return false;
}

/** Removes what was compiled from sources that are no more. */
function prune() {
  for (const file of listFiles('dist')) {
    const source = file.replace(/^dist/, 'src').replace(/\.js(\.map)?$/, '.ts');
    if (source.endsWith('.ts') && !fs.existsSync(source)) fs.rmSync(file);
  }
}

/** Without it `npx odograph` would install this very folder into a cache before it runs. */
function linkCommand() {
  const link = 'node_modules/.bin/odograph';
  if (process.platform === 'win32' || fs.existsSync(link) || !fs.existsSync(executable)) return;
  fs.rmSync(link, { force: true });
  fs.symlinkSync(path.join('../..', executable), link);
}

const steps = [
  {
    name: 'prisma',
    reads: () => ['prisma/schema.prisma', 'prisma.config.ts', 'node_modules/prisma/package.json'],
    makes: 'src/store/generated/client.ts',
    // Generation itself needs no schema engine, but the command would fetch one before it begins.
    run: () =>
      run('node_modules/prisma/build/index.js', ['generate'], {
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
      }),
  },
  {
    name: 'graphql',
    reads: () => ['schema.graphql', 'codegen.ts'],
    makes: 'src/api/generated/schema.ts',
    run: () => run('node_modules/@graphql-codegen/cli/esm/bin.js', ['--config', 'codegen.ts']),
  },
  {
    name: 'typescript',
    reads: () => [...listFiles('src'), 'tsconfig.json', 'node_modules/typescript/package.json'],
    makes: executable,
    run: () => {
      const sound = run('node_modules/typescript/bin/tsc', ['-p', 'tsconfig.json']);
      prune();
      if (fs.existsSync(executable)) fs.chmodSync(executable, 0o755);
      return sound;
    },
  },
];

const stamps = readStamps();
for (const step of steps) {
  const hash = hashOf(step.reads());
  if (stamps[step.name] === hash && fs.existsSync(step.makes)) continue;
  const startedMs = Date.now();
  if (!step.run()) process.exit(1);
  stamps[step.name] = hash;
  fs.mkdirSync('dist', { recursive: true });
  fs.writeFileSync(stampFile, JSON.stringify(stamps, undefined, 2));
  console.log(`built ${step.name} in ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
}
linkCommand();
