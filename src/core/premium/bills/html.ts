import { escapeHtml, htmlPage } from './page.ts';
import type {
  StatementColumn,
  Evidence,
  Note,
  RowGroup,
  Section,
  Statement,
  Table,
} from './statement.ts';

/** A number or an amount with a minus instead of a hyphen. */
const numberHtml = (text: string): string => escapeHtml(text.replace(/(^| )-(?=\d)/, '$1−'));

const heading = ({ title, numeric }: StatementColumn): string =>
  `<th scope="col"${numeric ? ' class="number"' : ''}>${escapeHtml(title)}</th>`;

const numberCell = (text: string): string => `<td class="number">${numberHtml(text)}</td>`;

/** A summary row: its name spans all columns that have no sum. */
function sumRow(
  columns: readonly StatementColumn[],
  scope: 'row' | 'rowgroup',
  title: string,
  sums: readonly string[] = [],
): string {
  const span = columns.length - sums.length;
  return `<tr><th scope="${scope}" colspan="${span}">${escapeHtml(title)}</th>${sums.map(numberCell).join('')}</tr>`;
}

function rowHtml(columns: readonly StatementColumn[], row: readonly string[]): string {
  const cells = row.map((cell, c) => {
    if (c === 0) return `<th scope="row">${escapeHtml(cell)}</th>`;
    return columns[c]?.numeric ? numberCell(cell) : `<td class="how">${escapeHtml(cell)}</td>`;
  });
  return `<tr>${cells.join('')}</tr>`;
}

function groupHtml(columns: readonly StatementColumn[], { title, sums, rows }: RowGroup): string {
  const head = title === undefined ? [] : [sumRow(columns, 'rowgroup', title, sums)];
  return `<tbody>\n${[...head, ...rows.map((row) => rowHtml(columns, row))].join('\n')}\n</tbody>`;
}

function tableHtml({ caption, columns, groups, total }: Table): string {
  const foot = total ? `\n<tfoot>${sumRow(columns, 'row', total.title, total.sums)}</tfoot>` : '';
  return `<table>
<caption>${escapeHtml(caption)}</caption>
<thead><tr>${columns.map(heading).join('')}</tr></thead>
${groups.map((group) => groupHtml(columns, group)).join('\n')}${foot}
</table>`;
}

function notesHtml(notes: readonly Note[]): string {
  const items = notes.map(({ title, text }) => {
    const end = /[.?!]$/.test(title) ? '' : '.';
    return `<li><strong>${escapeHtml(title)}${end}</strong> ${escapeHtml(text)}</li>`;
  });
  return `<ul>\n${items.join('\n')}\n</ul>`;
}

function evidenceHtml({ facts, list }: Evidence): string {
  const rows = facts.map(
    ({ name, value }) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`,
  );
  const items = list?.items.map((item) => `<li>${escapeHtml(item)}</li>`);
  return [
    `<dl>\n${rows.join('\n')}\n</dl>`,
    ...(list
      ? [`<p>${escapeHtml(list.title)}:</p>\n<ul class="ids">\n${items?.join('\n')}\n</ul>`]
      : []),
  ].join('\n');
}

function sectionHtml({ heading: title, sentence, table, notes, evidence }: Section): string {
  return [
    `<section${evidence ? ' class="small"' : ''}>`,
    `<h2>${escapeHtml(title)}</h2>`,
    ...(sentence === undefined ? [] : [`<p>${escapeHtml(sentence)}</p>`]),
    ...(table ? [tableHtml(table)] : []),
    ...(notes ? [notesHtml(notes)] : []),
    ...(evidence ? [evidenceHtml(evidence)] : []),
    '</section>',
  ].join('\n');
}

/** A statement as a self-contained HTML page, escaped throughout, that prints on A4 and Letter. */
export function statementHtml({ title, about, due, sections }: Statement): string {
  const lines = about.map((line) => `<p>${escapeHtml(line)}</p>`).join('\n');
  const body = [
    `<header>
<div>
<h1>${escapeHtml(title)}</h1>
${lines}
</div>
<p class="due">${escapeHtml(due.label)}<strong>${numberHtml(due.amount)}</strong></p>
</header>`,
    ...sections.map(sectionHtml),
  ];
  return htmlPage([title, ...about].slice(0, 2).join(', '), body.join('\n'));
}
