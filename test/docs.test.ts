import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildSchema, parse, validate } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agrees, readSessions, runCommands } from './support/console.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { readBlocks } from './support/documents.ts';
import { createTestTopic, type TestTopic } from './support/topic.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...listMarkdown('docs')].filter(
  (file) => fs.existsSync(path.join(root, file)),
);

function listMarkdown(folder: string): string[] {
  if (!fs.existsSync(path.join(root, folder))) return [];
  return fs
    .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => path.join(folder, file))
    .sort();
}

function listDecisions(): string[] {
  const pages = fs.readdirSync(path.join(root, 'docs/adr')).sort();
  return pages.filter((page) => page !== 'README.md');
}

const readText = (file: string) => fs.readFileSync(path.join(root, file), 'utf8');

test('every decision record has a unique number, and its page begins with it', () => {
  const pages = listDecisions();
  const numbers = pages.map((page) => Number(page.slice(0, 4)));
  expect(numbers).toEqual([...new Set(numbers)]);
  const headings = pages.map(
    (page) => fs.readFileSync(path.join(root, 'docs/adr', page), 'utf8').split(' ', 2)[1],
  );
  expect(headings).toEqual(numbers.map((number) => `${number}.`));
});

test('docs/adr/README.md lists every decision record', () => {
  const index = readText('docs/adr/README.md');
  expect(listDecisions().filter((page) => !index.includes(`](${page})`))).toEqual([]);
});

test('docs/words.md explains at most 25 words', () => {
  const rows = readText('docs/words.md')
    .split('\n')
    .filter((line) => line.startsWith('| '));
  expect(rows.length - 2).toBeGreaterThan(10);
  expect(rows.length - 2).toBeLessThanOrEqual(25);
});

describe('the parser of sessions', () => {
  const markdown = [
    ...[
      '```console run',
      '$ echo one \\',
      '  two',
      'one …',
      '$ false',
      '```',
      '',
      '```bash',
      'rm -rf /',
      '```',
    ],
    ...['```console run up', '$ true', '```'],
  ].join('\n');

  test('reads only the marked blocks', () => {
    expect(readSessions(markdown)).toEqual([
      {
        line: 1,
        needsUp: false,
        steps: [
          { line: 2, command: 'echo one \\\n  two', expected: ['one …'] },
          { line: 5, command: 'false', expected: [] },
        ],
      },
      { line: 11, needsUp: true, steps: [{ line: 12, command: 'true', expected: [] }] },
    ]);
  });

  test('returns the output and the exit code of each command', async () => {
    const commands = ['x=3; echo "a b"', 'echo $x >&2; false', 'cat'];
    expect(await runCommands(commands, { cwd: root, env: process.env })).toEqual([
      { output: 'a b', code: 0 },
      { output: '3', code: 1 },
      { output: '', code: 0 },
    ]);
  });

  test.each([
    ['one two', ['one …'], true],
    ['one two', ['two …'], false],
    ['a\nb\nc', ['a', '…', 'c'], true],
    ['a\nb\nd', ['a', '…', 'c'], false],
    ['a\nb', ['a'], false],
    ['a.b', ['a.b'], true],
    ['axb', ['a.b'], false],
    ['anything', [], true],
  ])('holds %j against %j: %s', (output, expected, verdict) => {
    expect(agrees(output, expected)).toBe(verdict);
  });
});

describe.each(documents)('%s', (file) => {
  test('mentions only scripts of package.json', () => {
    const { scripts } = JSON.parse(readText('package.json')) as { scripts: Record<string, string> };
    const named = [...readText(file).matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name]) => name!);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('links only to files that exist', () => {
    const links = [...readText(file).matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(
      ([, link]) => link!,
    );
    const lost = links.filter((link) => !fs.existsSync(path.join(root, path.dirname(file), link)));
    expect(lost).toEqual([]);
  });

  test('names a thing only with the file that it is in', () => {
    const pairs = [
      ...readText(file).matchAll(/`([A-Za-z_]\w+)`\s+(?:of|in|from)\s+`(src\/[\w./-]+)`/g),
    ];
    const wrong = pairs.filter(([, name, source]) => {
      const sourceFile = path.join(root, source!);
      return !fs.existsSync(sourceFile) || !fs.readFileSync(sourceFile, 'utf8').includes(name!);
    });
    expect(wrong.map(([pair]) => pair)).toEqual([]);
  });
});

test('every page of docs is reachable from README or CONTRIBUTING', () => {
  const found = new Set(['README.md', 'CONTRIBUTING.md']);
  for (const file of found) {
    for (const [, link] of readText(file).matchAll(/\]\(([^):#\s]+\.md)/g)) {
      found.add(path.join(path.dirname(file), link!));
    }
  }
  const pages = documents.filter((file) => path.dirname(file) === 'docs');
  expect(pages.filter((page) => !found.has(page))).toEqual([]);
});

const schema = buildSchema(readText('schema.graphql'));
const operations = documents.flatMap((file) =>
  readBlocks(path.join(root, file), 'graphql')
    // Other blocks show schema definitions.
    .filter((block) => /^(\{|query|mutation|subscription|fragment)/.test(block))
    .map((block) => ({ file, begins: block.split('\n', 2).join(' '), block })),
);

test.each(operations)('$file uses only fields that exist: $begins', ({ block }) => {
  const faults = validate(schema, parse(block));
  expect(faults.map(({ message }) => message)).toEqual([]);
});

const withSessions = documents
  .map((file) => ({ file, sessions: readSessions(readText(file)) }))
  .filter(({ sessions }) => sessions.length > 0);

describe.runIf(withSessions.length > 0)('the sessions', () => {
  let env: NodeJS.ProcessEnv = process.env;
  let replaceAddresses = (text: string) => text;
  let stop = async () => {};

  beforeAll(async () => {
    if (!withSessions.some(({ sessions }) => sessions.some(({ needsUp }) => needsUp))) return;
    const up = await startUp();
    env = { ...process.env, ...up.env };
    replaceAddresses = (text) =>
      text.replaceAll('127.0.0.1:4000', up.api).replaceAll('127.0.0.1:9092', up.broker);
    stop = up.stop;
  });
  afterAll(() => stop());

  test.each(withSessions)('of $file print what the page shows', async ({ sessions }) => {
    const steps = sessions.flatMap((session) => session.steps);
    const outcomes = await runCommands(
      steps.map(({ command }) => replaceAddresses(command)),
      { cwd: root, env },
    );
    for (const [index, { line, command, expected }] of steps.entries()) {
      const { output, code } = outcomes[index]!;
      const wanted = expected.map(replaceAddresses);
      const shown = `line ${line}: ${command}\n${output}`;
      expect(code, shown).toBe(0);
      if (!agrees(output, wanted)) expect(output, shown).toBe(wanted.join('\n'));
    }
  });
});

interface RunFacts {
  readonly apiUrl: string;
  readonly kafkaBrokers: readonly string[];
}

async function startUp() {
  const database: TestDatabase = await createTestDatabase({ empty: true });
  const topic: TestTopic = await createTestTopic({ logAppendTime: true });
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'odograph-test-docs-'));
  const settings = {
    KAFKA_BROKERS: topic.brokers.join(','),
    KAFKA_TOPIC: topic.topic,
    KAFKA_GROUP_ID: topic.topic,
    DATABASE_URL: database.ownerUrl,
    DATABASE_SINK_URL: database.sinkUrl,
    DATABASE_API_URL: database.apiUrl,
    ODOGRAPH_DATA_DIR: dataDir,
    PORT: '0',
  };
  const up = spawn(process.execPath, ['dist/cli/odograph.js', 'up'], {
    cwd: root,
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [up.stdout, up.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((resolve) => up.on('close', resolve));
  const factsFile = path.join(dataDir, 'run.json');
  while (!fs.existsSync(factsFile)) {
    if (up.exitCode !== null) throw new Error(`odograph up ended: ${said}`);
    await sleep(100);
  }
  const facts = JSON.parse(fs.readFileSync(factsFile, 'utf8')) as RunFacts;
  return {
    env: {
      KAFKA_TOPIC: topic.topic,
      DATABASE_URL: database.ownerUrl,
      ODOGRAPH_DATA_DIR: dataDir,
      // Warnings of npm about this machine's configuration are not part of the output.
      npm_config_loglevel: 'error',
    },
    api: new URL(facts.apiUrl).host,
    broker: facts.kafkaBrokers[0]!,
    stop: async () => {
      up.kill('SIGTERM');
      await ended;
      await topic.drop();
      await database.drop();
      fs.rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
