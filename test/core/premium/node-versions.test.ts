import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const LONG = process.env['ODOGRAPH_LONG'] === '1';
const BILLS = LONG ? 100_000 : 200;
const seed = fc.readConfigureGlobal().seed ?? 1;
const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'odograph-reissue-'));
  await build({
    entryPoints: ['test/core/premium/reissue.ts'],
    outfile: join(folder, 'reissue.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The digests that another process prints. */
async function digestsBy(...command: [string, ...string[]]): Promise<string[]> {
  const [program, ...args] = command;
  const script = [join(folder, 'reissue.mjs'), String(seed), String(BILLS)];
  const { stdout } = await run(program, [...args, ...script], { maxBuffer: 1 << 24 });
  return stdout.trim().split('\n');
}

let own: Promise<string[]> | undefined;
const ownDigests = () => (own ??= digestsBy(process.execPath));

describe(`${BILLS} bills that are issued in one process and again in another`, () => {
  it('have the same bytes', async () => {
    const [digests, others] = await Promise.all([ownDigests(), digestsBy(process.execPath)]);
    expect(digests.at(-1)).toMatch(new RegExp(`^${BILLS} [0-9a-f]{64}$`));
    expect(others).toEqual(digests);
  });

  // The package `node` of the registry brings these.
  for (const version of LONG ? ['22', '24'] : [])
    it(`have the same bytes under Node ${version}`, async () => {
      const { stdout } = await run('npx', ['-y', `node@${version}`, '-v']);
      expect(stdout).toMatch(new RegExp(`^v${version}\\.`));
      const digests = await digestsBy('npx', '-y', `node@${version}`);
      console.log(`Node ${stdout.trim()}, FC_SEED=${seed}, bills ${digests.at(-1)}`);
      expect(digests).toEqual(await ownDigests());
    });
});
