// Builds what engines run: the core as one file for Node (engines/target/core) and the Java modules.
// `node scripts/engines.js` builds all, `node scripts/engines.js kafka-streams` one module.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = path.join(root, 'engines', 'target', 'core');
const modules = fs
  .readdirSync(path.join(root, 'engines'), { withFileTypes: true })
  .filter((entry) => fs.existsSync(path.join(root, 'engines', entry.name, 'pom.xml')))
  .map(({ name }) => name);

/** The adapter in one file, beside it the zone data that it reads. @returns {Promise<string>} the file */
async function buildCore() {
  const outfile = path.join(folder, 'engine', 'main.mjs');
  await build({
    entryPoints: [path.join(root, 'src/engine/main.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
    logLevel: 'warning',
  });
  fs.cpSync(path.join(root, 'zone-data'), path.join(folder, 'zone-data'), { recursive: true });
  return outfile;
}

/** @param {readonly string[]} names modules to build; the bridge is built with each */
function buildModules(names) {
  const { status } = spawnSync(
    'mvn',
    [
      '-B',
      '-q',
      '-f',
      path.join(root, 'engines', 'pom.xml'),
      '-pl',
      names.join(','),
      '-am',
      'package',
    ],
    { stdio: 'inherit' },
  );
  if (status !== 0) process.exit(1);
}

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !modules.includes(name));
if (unknown !== undefined) {
  console.error(`There is no engine module "${unknown}", only ${modules.join(', ')}.`);
  process.exit(2);
}
const main = await buildCore();
console.log(`core: ${path.relative(root, main)}, ${fs.statSync(main).size} bytes`);
buildModules(wanted.length > 0 ? wanted : modules);
console.log(`modules: ${(wanted.length > 0 ? wanted : modules).join(', ')}`);
