// Shows that each lint and import rule works: a small tree breaks it, checked with the real configuration.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What ESLint must refuse: file, code, rule. */
const refusedByEslint: readonly [file: string, code: string, rule: string][] = [
  ['src/sink/any.ts', 'export const x: any = 1;', '@typescript-eslint/no-explicit-any'],
  [
    'src/sink/ignore.ts',
    '// @ts-ignore\nexport const x: number = 1;',
    '@typescript-eslint/ban-ts-comment',
  ],
  [
    'src/sink/floating.ts',
    'export function f() { Promise.resolve(1); }',
    '@typescript-eslint/no-floating-promises',
  ],
  [
    'src/sink/misused.ts',
    'export const f = (xs: number[]) => xs.forEach(async () => undefined);',
    '@typescript-eslint/no-misused-promises',
  ],
  [
    'src/sink/type.ts',
    "import { type X } from './x.ts';\nimport { Y } from './x.ts';\nexport const z = (x: X, y: Y) => [x, y];",
    '@typescript-eslint/consistent-type-imports',
  ],
  ['src/sink/default.ts', 'export default 1;', 'no-restricted-syntax'],
  ['src/sink/env.ts', "export const x = process.env['HOME'];", 'no-restricted-syntax'],
  ['src/sink/environment.ts', 'export const { HOME } = process.env;', 'no-restricted-syntax'],
  ['src/cli/env.ts', "export const x = process.env['HOME'];", 'no-restricted-syntax'],
  ['src/sink/console.ts', "console.log('x');", 'no-console'],
  ['src/core/now.ts', 'export const x = Date.now();', 'no-restricted-globals'],
  ['src/core/intl.ts', 'export const x = new Intl.NumberFormat();', 'no-restricted-globals'],
  ['src/core/buffer.ts', "export const x = Buffer.from('x');", 'no-restricted-globals'],
  ['src/core/timer.ts', 'setTimeout(() => undefined, 1);', 'no-restricted-globals'],
  ['src/core/pow.ts', 'export const x = Math.pow(2, 3);', 'no-restricted-properties'],
  ['src/core/random.ts', 'export const x = Math.random();', 'no-restricted-properties'],
  ['src/core/sin.ts', 'export const x = Math.sin(1);', 'no-restricted-properties'],
  ['src/core/power.ts', 'export const f = (x: number) => x ** 2;', 'no-restricted-syntax'],
  [
    'src/core/locale.ts',
    "export const f = (x: string) => x.localeCompare('y');",
    'no-restricted-syntax',
  ],
  [
    'src/core/digits.ts',
    'export const f = (x: number) => x.toLocaleString();',
    'no-restricted-syntax',
  ],
];

/** Similar code that is allowed. */
const allowedByEslint: readonly [file: string, code: string][] = [
  ['src/core/geo.ts', 'export const x = Math.sin(1) + Math.sqrt(2);'],
  ['src/core/exact.ts', 'export const f = (x: bigint) => 10n ** x;'],
  ['src/config.ts', "export const x = process.env['HOME'];"],
  ['src/cli/whole.ts', 'export const f = (read: (env: object) => void) => read(process.env);'],
  ['src/sink/x.ts', 'export interface X {\n  x: number;\n}\nexport interface Y {\n  y: number;\n}'],
];

/** What dependency-cruiser must refuse. */
const refusedByZones: readonly [file: string, code: string, rule: string][] = [
  ['src/store/a.ts', "import { b } from './b.ts';\nexport const a = () => b;", 'no-cycles'],
  ['src/core/reads.ts', "export { readFileSync } from 'node:fs';", 'core-imports-nothing'],
  ['src/core/kept.ts', "export { a } from '../store/a.ts';", 'core-imports-nothing'],
  ['src/core/exactly.ts', "export { Decimal } from 'decimal.js';", 'only-money-needs-decimals'],
  [
    'src/core/premium/kinds/up.ts',
    "export { t } from '../tariff/t.ts';",
    'premium-kinds-imports-downwards',
  ],
  [
    'src/core/premium/book/aside.ts',
    "export { b } from '../bills/b.ts';",
    'premium-book-imports-downwards',
  ],
  ['src/api/ingests.ts', "export { i } from '../store/ingest/i.ts';", 'only-the-sink-ingests'],
  ['src/api/sets-up.ts', "export { s } from '../store/setup/s.ts';", 'only-commands-set-up'],
  ['src/engine/stores.ts', "export { a } from '../store/a.ts';", 'engine-knows-core-and-zones'],
  ['src/store/asks.ts', "export { f } from '../api/f.ts';", 'store-knows-core-alone'],
  ['src/live/asks.ts', "export { f } from '../api/f.ts';", 'live-knows-core-and-store'],
  ['src/sink/asks.ts', "export { f } from '../api/f.ts';", 'sink-and-api-never-meet'],
  ['src/api/starts.ts', "export { f } from '../local/f.ts';", 'the-sink-knows-no-helpers'],
  ['src/sink/reads.ts', "export { k } from '../kafka.ts';", 'kafka-is-plugged-in'],
  ['src/cli/reads.ts', "export { Kafka } from 'kafkajs';", 'one-file-knows-kafkajs'],
  [
    'src/live/rows.ts',
    "export { PrismaPg } from '@prisma/adapter-pg';",
    'prisma-stays-in-the-store',
  ],
  [
    'src/live/shape.ts',
    "export type { G } from '../api/generated/schema.ts';",
    'generated-types-stay-in-the-api',
  ],
  ['src/api/tests.ts', "export { t } from '../../test/t.ts';", 'src-knows-no-tests'],
  ['src/api/tools.ts', "export { check } from 'fast-check';", 'no-tools-at-run-time'],
  ['src/api/lost.ts', "export { x } from './nowhere.ts';", 'no-unknown-imports'],
];

const targets: readonly [file: string, code: string][] = [
  ['src/core/premium/tariff/t.ts', 'export const t = 1;'],
  ['src/core/premium/bills/b.ts', 'export const b = 1;'],
  ['src/store/ingest/i.ts', 'export const i = 1;'],
  ['src/store/setup/s.ts', 'export const s = 1;'],
  ['src/store/b.ts', "import { a } from './a.ts';\nexport const b = () => a;"],
  ['src/api/f.ts', 'export const f = 1;'],
  ['src/local/f.ts', 'export const f = 1;'],
  ['src/kafka.ts', "import { Kafka } from 'kafkajs';\nexport const k = Kafka;"],
  ['src/api/generated/schema.ts', 'export type G = 1;'],
  ['test/t.ts', 'export const t = 1;'],
  ['src/sink/shape.ts', "import type { k } from '../kafka.ts';\nexport type K = typeof k;"],
];

let tree: string;

beforeAll(() => {
  tree = fs.mkdtempSync(path.join(os.tmpdir(), 'odograph-test-house-'));
  for (const file of [
    'eslint.config.js',
    '.dependency-cruiser.cjs',
    'tsconfig.json',
    'tsconfig.check.json',
    'package.json',
  ]) {
    fs.copyFileSync(path.join(root, file), path.join(tree, file));
  }
  fs.symlinkSync(path.join(root, 'node_modules'), path.join(tree, 'node_modules'));
});

afterAll(() => fs.rmSync(tree, { recursive: true, force: true }));

function write(
  files: readonly (readonly [file: string, code: string, ...rest: unknown[]])[],
): void {
  fs.rmSync(path.join(tree, 'src'), { recursive: true, force: true });
  fs.rmSync(path.join(tree, 'test'), { recursive: true, force: true });
  for (const [file, code] of files) {
    fs.mkdirSync(path.join(tree, path.dirname(file)), { recursive: true });
    fs.writeFileSync(path.join(tree, file), `${code}\n`);
  }
}

function run(bin: string, args: string[]): string {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(root, 'node_modules', bin), ...args],
    {
      cwd: tree,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    },
  );
  if (stdout === '') throw new Error(stderr);
  return stdout;
}

describe('ESLint', () => {
  let found: Map<string, string[]>;
  beforeAll(() => {
    write([...refusedByEslint, ...allowedByEslint]);
    const results = JSON.parse(run('eslint/bin/eslint.js', ['src', '--format', 'json'])) as {
      filePath: string;
      messages: { ruleId: string | null; message: string }[];
    }[];
    found = new Map(
      results.map(({ filePath, messages }) => [
        path.relative(fs.realpathSync(tree), fs.realpathSync(filePath)),
        messages.map(({ ruleId, message }) => ruleId ?? message),
      ]),
    );
  });

  test.each(refusedByEslint)('refuses %s: %s', (file, _code, rule) => {
    expect(found.get(file)).toContain(rule);
  });

  test.each(allowedByEslint)('accepts %s: %s', (file) => {
    expect(found.get(file)).toEqual([]);
  });
});

describe('the import rules', () => {
  let found: { from: string; rule: string }[];
  beforeAll(() => {
    write([...refusedByZones, ...targets]);
    const said = run('dependency-cruiser/bin/dependency-cruise.mjs', [
      ...['src', 'test', '--config', '.dependency-cruiser.cjs', '--no-cache'],
      ...['--output-type', 'json'],
    ]);
    const { summary } = JSON.parse(said) as {
      summary: { violations: { from: string; rule: { name: string } }[] };
    };
    found = summary.violations.map(({ from, rule }) => ({ from, rule: rule.name }));
  });

  test.each(refusedByZones)('refuse %s: %s', (from, _code, rule) => {
    expect(found).toContainEqual({ from, rule });
  });

  test.each(targets)('accept %s: %s', (from) => {
    expect(found.filter((violation) => violation.from === from)).toEqual([]);
  });
});
