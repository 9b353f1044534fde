import type { ShownCell } from './book-cells.ts';
import type { ShownMover, WhatIfReport } from './what-if-report.ts';

type Row = readonly string[];

/** Rows under one another: the first column to the left, the others to the right. */
function table(rows: readonly Row[]): string[] {
  const widths = (rows[0] ?? []).map((_, c) => Math.max(...rows.map((row) => row[c]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((text, c) => (c === 0 ? text.padEnd(widths[c] ?? 0) : text.padStart(widths[c] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

function signed(decimal: string): string {
  return decimal.startsWith('-') || Number(decimal) === 0 ? decimal : `+${decimal}`;
}

function figures(name: string, cell: ShownCell): Row {
  const percent = cell.changePercent === undefined ? '' : `${signed(cell.changePercent)} %`;
  return [name, String(cell.policies), cell.before, cell.after, signed(cell.change), percent];
}

function rangeText({ fromPercent, toPercent, others }: WhatIfReport['histogram'][number]): string {
  if (others) return 'others';
  if (fromPercent === 0 && toPercent === 0) return 'no change';
  if (fromPercent === undefined) return `below ${toPercent} %`;
  if (toPercent === undefined) return `above ${fromPercent} %`;
  return `${fromPercent} to ${toPercent} %`;
}

function movers(heading: string, list: readonly ShownMover[]): string[] {
  if (list.length === 0) return [];
  const rows = list.map(({ policyNumber, before, after }) => [policyNumber, before, after]);
  return ['', ...table([[heading, 'before', 'after'], ...rows])];
}

function winners({ winners: cheaper, losers: dearer, unchanged }: ShownCell): string {
  return cheaper === undefined
    ? 'the numbers of policies that get cheaper or dearer are withheld: they concern only a few people'
    : `${cheaper} get cheaper, ${dearer} get dearer, ${unchanged} stay as they are`;
}

/** A report as text: totals, winners and losers, the histogram, groups, the largest changes, and the policies left out. */
export function whatIfText(report: WhatIfReport): string {
  const { whole, currency } = report;
  const heading = ['policies', 'before', 'after', 'change', ''];
  const lines = [...table([[currency, ...heading], figures('all', whole)]), winners(whole)];
  if (report.histogram.length > 0)
    lines.push(
      '',
      ...table([
        ['change', ...heading],
        ...report.histogram.map((bin) => figures(rangeText(bin), bin)),
      ]),
    );
  if (report.groups.length > 0)
    lines.push(
      '',
      ...table([
        ['group', ...heading],
        ...report.groups.map((group) =>
          figures(group.others ? 'others' : (group.value ?? 'not known'), group),
        ),
      ]),
    );
  lines.push(...movers('rise most', report.largestRises));
  lines.push(...movers('fall most', report.largestFalls));
  if (report.unrated.length > 0) {
    lines.push('', 'Not in these figures, as one of the tariffs cannot rate them:');
    for (const { code, policies, example } of report.unrated)
      lines.push(
        `  ${policies} ${policies === 1 ? 'policy' : 'policies'} [${code}]${example === undefined ? '' : `, e.g. ${example.policyNumber}: ${example.message}`}`,
      );
  }
  return lines.join('\n');
}
