import type { StatementColumn, Evidence, Note, Section, Statement, Table } from './statement.ts';

const WIDTH = 72;
const GAP = 2;
/** Of rows below the title of their group. */
const INDENT = '  ';

const lengthOf = (text: string): number => [...text].length;
const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(lengthOf));

/** Cuts a text into lines between words, and words that are longer than a line where it ends. */
function wrap(text: string, room: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(/[\s\p{Cc}]+/u).filter((w) => w !== '')) {
    if (line.trim() !== '' && lengthOf(line) + 1 + lengthOf(word) > room) {
      lines.push(line);
      line = indent;
    }
    if (line.trim() !== '') line += ' ';
    for (let left = room - lengthOf(line); lengthOf(word) > left; left = room - indent.length) {
      lines.push(line + [...word].slice(0, left).join(''));
      word = [...word].slice(left).join('');
      line = indent;
    }
    line += word;
  }
  return [...lines, line];
}

const padTo = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - lengthOf(text)));
const padFrom = (text: string, width: number): string =>
  ' '.repeat(Math.max(0, width - lengthOf(text))) + text;

/** A text on the left, and on the right of its last line what must not be cut. */
function spread(left: string, right: string, indent = ''): string[] {
  const lines = wrap(left, WIDTH - lengthOf(right) - GAP, indent);
  const last = lines.pop() ?? '';
  return [...lines, padTo(last, WIDTH - lengthOf(right)) + right];
}

/** Number columns get their full width; text columns share the rest, narrow ones taking only what they need. */
function widthsOf({ columns, groups, total }: Table): number[] {
  const heads = [
    ...groups.flatMap(({ sums }) => (sums ? [sums] : [])),
    ...(total ? [total.sums] : []),
  ];
  const natural = columns.map(({ title }, c) =>
    widest([
      title,
      ...groups.flatMap((group) =>
        group.rows.map(
          (row) => (c === 0 && group.title !== undefined ? INDENT : '') + (row[c] ?? ''),
        ),
      ),
      ...heads.map((sums) => sums[c - columns.length + sums.length] ?? ''),
    ]),
  );
  const widths = [...natural];
  const texts = columns.flatMap(({ numeric }, c) => (numeric ? [] : [c]));
  let room = WIDTH - GAP * (columns.length - 1);
  columns.forEach(({ numeric }, c) => (room -= numeric ? (natural[c] ?? 0) : 0));
  texts
    .sort((a, b) => (natural[a] ?? 0) - (natural[b] ?? 0))
    .forEach((c, done) => {
      const share = Math.max(INDENT.length + 1, Math.floor(room / (texts.length - done)));
      widths[c] = done === texts.length - 1 ? share : Math.min(natural[c] ?? 0, share);
      room -= widths[c];
    });
  return widths;
}

function rowLines(
  row: readonly string[],
  columns: readonly StatementColumn[],
  widths: readonly number[],
  indent = '',
): string[] {
  const cells = row.map((cell, c) => {
    const own = c === 0 ? indent : '';
    return columns[c]?.numeric
      ? [cell]
      : wrap(cell, (widths[c] ?? 1) - own.length).map((line) => own + line);
  });
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, l) =>
    cells
      .map((lines, c) => (columns[c]?.numeric ? padFrom : padTo)(lines[l] ?? '', widths[c] ?? 0))
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
}

function tableLines(table: Table): string[] {
  const { caption, columns, groups, total } = table;
  const widths = widthsOf(table);
  const head = (title: string, sums: readonly string[] = []): string[] => {
    const own = widths.slice(widths.length - sums.length);
    return spread(title, sums.map((sum, c) => padFrom(sum, own[c] ?? 0)).join(' '.repeat(GAP)));
  };
  const rule = '-'.repeat(WIDTH);
  const titles = columns.map(({ title }) => title);
  return [
    ...wrap(caption, WIDTH),
    '',
    ...rowLines(titles, columns, widths),
    rule,
    ...groups.flatMap(({ title, sums, rows }, g) => [
      ...(g > 0 ? [''] : []),
      ...(title === undefined ? [] : head(title, sums)),
      ...rows.flatMap((row) => rowLines(row, columns, widths, title === undefined ? '' : INDENT)),
    ]),
    ...(total ? [rule, ...head(total.title, total.sums)] : []),
  ];
}

const noteLines = (notes: readonly Note[]): string[] =>
  notes.flatMap(({ title, text }) =>
    wrap(`- ${title}${/[.?!]$/.test(title) ? '' : '.'} ${text}`, WIDTH, '  '),
  );

const evidenceLines = ({ facts, list }: Evidence): string[] => [
  ...facts.flatMap(({ name, value }) =>
    lengthOf(name) + 2 + lengthOf(value) > WIDTH
      ? [...wrap(`${name}:`, WIDTH), ...wrap(value, WIDTH)]
      : wrap(`${name}: ${value}`, WIDTH),
  ),
  ...(list ? wrap(`${list.title}: ${list.items.join(', ')}`, WIDTH) : []),
];

function underlined(title: string, stroke: string): string[] {
  const lines = wrap(title, WIDTH);
  return [...lines, stroke.repeat(widest(lines))];
}

function sectionLines({ heading, sentence, table, notes, evidence }: Section): string[] {
  return [
    '',
    '',
    ...underlined(heading, '-'),
    ...(sentence === undefined ? [] : wrap(sentence, WIDTH)),
    ...(table ? tableLines(table) : []),
    ...(notes ? noteLines(notes) : []),
    ...(evidence ? evidenceLines(evidence) : []),
  ];
}

/** A statement as plain text, at most 72 columns wide. */
export function statementText({ title, about, due, sections }: Statement): string {
  const lines = [
    ...underlined(title, '='),
    ...about.flatMap((line) => wrap(line, WIDTH)),
    '',
    ...spread(due.label, due.amount),
    ...sections.flatMap(sectionLines),
  ];
  return `${lines.join('\n')}\n`;
}
