// Refuses a short list of phrases that readers stumble over (CONTRIBUTING, Wording) in what people read: string
// literals of src, the schema's descriptions and the docs.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The phrase, and what to write instead. */
const REFUSED: readonly (readonly [phrase: RegExp, instead: string])[] = [
  [/\b(?:for|of|to|from|by|that) who\b/i, '"a client that …", "the caller"'],
  [/\b(?:whoever|whomever)\b/i, '"any caller that …"'],
  [/\b(?:somebody|nobody)\b/i, '"another user", "no caller"'],
  [/\b(?:he|him|his)\b/i, '"they", or the role'],
  [/\bmade anew\b|\bdrawn anew\b/i, '"recreated"'],
  [/\bh[au]ngs? on\b/i, '"depends on"'],
  [/\bh[au]ngs? up\b/i, '"disconnects"'],
  [/\bstands? in\b/i, '"is in", "is listed in"'],
  [/\btells? of\b|\btold of\b/i, '"reports"'],
  [/\bbehind (?:the|its|the asker's) walls\b|\bpast the walls\b/i, '"under row-level security"'],
  [/\bhas hung up\b/i, '"has disconnected"'],
  [/\bput right\b/i, '"corrected"'],
  [/\basked? of\b/i, '"requested from"'],
  [
    /(?<!there )\bis no (?:number|date|duration|zone|text|name|tariff|cursor|object|event)\b/i,
    '"is not a …"',
  ],
];

function listFiles(folder: string, ending: string): string[] {
  return fs
    .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !file.includes('generated'))
    .map((file) => path.join(folder, file))
    .sort();
}

/** The texts of string literals and templates, with their lines. */
function readLiterals(file: string): { line: number; text: string }[] {
  const source = ts.createSourceFile(
    file,
    fs.readFileSync(path.join(root, file), 'utf8'),
    ts.ScriptTarget.Latest,
  );
  const found: { line: number; text: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isStringLiteralLike(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateMiddleOrTemplateTail(node)
    ) {
      found.push({
        line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1,
        text: node.text,
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function findRefused(file: string, texts: readonly { line: number; text: string }[]): string[] {
  return texts.flatMap(({ line, text }) =>
    REFUSED.filter(([phrase]) => phrase.test(text)).map(
      ([phrase, instead]) => `${file}:${line}: "${phrase.exec(text)![0]}": write ${instead}`,
    ),
  );
}

/** Lines of a page without its code blocks. */
function readLines(file: string): { line: number; text: string }[] {
  let inCode = false;
  return fs
    .readFileSync(path.join(root, file), 'utf8')
    .split('\n')
    .map((text, index) => {
      if (text.trimStart().startsWith('```')) inCode = !inCode;
      return { line: index + 1, text: inCode ? '' : text.replace(/`[^`]*`/g, '') };
    });
}

describe('plain English', () => {
  test('in the messages of src', () => {
    const files = listFiles('src', '.ts');
    expect(files.length).toBeGreaterThan(100);
    expect(files.flatMap((file) => findRefused(file, readLiterals(file)))).toEqual([]);
  });

  test('in the schema', () => {
    const file = 'schema.graphql';
    const text = fs.readFileSync(path.join(root, file), 'utf8').split('\n');
    const lines = text.map((line, index) => ({ line: index + 1, text: line }));
    expect(findRefused(file, lines)).toEqual([]);
  });

  test('in the docs', () => {
    // CONTRIBUTING quotes the phrases; docs/reference is written from the schema and the code.
    const files = ['README.md', 'SECURITY.md', 'CHANGELOG.md', ...listFiles('docs', '.md')].filter(
      (file) => !file.startsWith('docs/reference/'),
    );
    expect(files.flatMap((file) => findRefused(file, readLines(file)))).toEqual([]);
  });

  test('is checked for each phrase of the list', () => {
    const samples = [
      'for who cannot wait',
      'whoever asks',
      'nobody knows',
      'he is told',
      'made anew',
      'it hangs on that',
    ]
      .concat([
        'a client hangs up',
        'it stands in the row',
        'tells of trips',
        'behind the walls',
        'has hung up',
        'put right',
      ])
      .concat(['asked of the server', 'is no date']);
    const missed = REFUSED.filter(([phrase]) => !samples.some((sample) => phrase.test(sample)));
    expect(missed).toEqual([]);
    expect(
      findRefused('x', [{ line: 1, text: 'the person who drives; no longer; depends on' }]),
    ).toEqual([]);
  });
});
