import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { billStatement } from '../../../../src/core/premium/bills/bill-statement.ts';
import { composeBill } from '../../../../src/core/premium/bills/bill.ts';
import { statementHtml } from '../../../../src/core/premium/bills/html.ts';
import { statementText } from '../../../../src/core/premium/bills/text.ts';
import { addingTariff, anyInput, anyTariff, runs } from '../generators.ts';
import { CUT_OFF, day, document, inputOf, tariffOf } from '../tariffs.ts';

/** The text between tags, entities as they stand. */
const textOf = (html: string) => html.replace(/<style>[^]*<\/style>/, '').replace(/<[^>]*>/g, '\n');
/** What is read, without the look: letters and digits only. */
const wordsOf = (text: string) => text.replace(/[^\p{L}\p{N}]+/gu, '');

describe('a statement as a page', () => {
  it('has headings, and headers for its columns, rows and groups of rows', () => {
    const made = composeBill(
      'B-000007',
      tariffOf(document({ charges: [{ kind: 'perKm/1', id: 'km', unit: 'km', rate: '0.1' }] })),
      inputOf(['2026-02-01', '2026-03-01'], [day('2026-02-03', 10_000)]),
      CUT_OFF,
      [],
    );
    if (!made.ok) throw new Error(JSON.stringify(made.problems));
    const html = statementHtml(billStatement(made.bill));
    expect(html).toContain('<html lang="en">');
    expect(html).toContain('<title>Bill B-000007, Car insurance policy P-1</title>');
    expect(html.match(/<h1>/g)).toHaveLength(1);
    expect(html).toContain('<strong>USD 1.00</strong>');
    expect(html).toContain('<th scope="col" class="number">Billed, km</th>');
    expect(html).toContain(
      '<tr><th scope="rowgroup" colspan="2">Time and driving</th><td class="number">1.00</td></tr>',
    );
    expect(html).toContain(
      '<tr><th scope="row">3 February 2026</th><td class="how"></td><td class="number">10.000</td><td class="number">10.000</td></tr>',
    );
  });

  it('writes a minus sign, never a hyphen, before a negative amount', () => {
    const html = statementHtml({
      title: 'Credit note C-1',
      about: [],
      due: { label: 'Total', amount: 'EUR -5.00' },
      sections: [
        {
          heading: 'B-1',
          table: {
            caption: '',
            columns: [{ title: 'What' }, { title: 'EUR', numeric: true }],
            groups: [{ rows: [['-1', '-5.00']] }],
          },
        },
      ],
    });
    expect(textOf(html).match(/[−-][\d.]+/g)).toEqual(['-1', '-1', '−5.00', '-1', '-1', '−5.00']);
  });

  it('says what the text says, whatever names the insurer gives: nothing of them is markup, and nothing is fetched', () => {
    const nasty = fc.constantFrom(
      '<script>alert(1)</script>',
      '"><img src=x>',
      "O'Neil & Söhne",
      '&amp; ${x}',
    );
    const entities: Record<string, string> = {
      '&amp;': '&',
      '&lt;': '<',
      '&gt;': '>',
      '&quot;': '"',
      '&#39;': "'",
    };
    fc.assert(
      fc.property(
        fc.oneof(addingTariff, anyTariff),
        anyInput,
        nasty,
        nasty,
        (text, input, number, label) => {
          const base = text as { charges: { label?: string }[] };
          const tariff = tariffOf({ ...base, charges: base.charges.map((c) => ({ ...c, label })) });
          const made = composeBill(number, tariff, input, CUT_OFF, [
            { tripId: label, revision: 1 },
          ]);
          if (!made.ok) throw new Error(JSON.stringify(made.problems));
          const statement = billStatement(made.bill);
          const html = statementHtml(statement);
          expect(html).not.toMatch(/<(script|img|link)|<[^>]*(src|href)=|url\(/);
          expect(textOf(html)).not.toMatch(/[<>]/);
          for (const tag of ['table', 'tbody', 'tr', 'th', 'td', 'section', 'ul', 'li', 'dl']) {
            expect(html.split(new RegExp(`<${tag}[ >]`)).length, tag).toBe(
              html.split(`</${tag}>`).length,
            );
          }
          const read = textOf(html.slice(html.indexOf('<main>'))).replace(
            /&[#\w]+;/g,
            (entity) => entities[entity] ?? entity,
          );
          // Of a table, the text fills lines before columns: the same cells, in another order.
          const cells = statement.sections.flatMap(
            ({ table }) => table?.groups.flatMap(({ rows }) => rows.flat()) ?? [],
          );
          for (const cell of cells) expect(wordsOf(read)).toContain(wordsOf(cell));
          const sorted = (of: string) => [...wordsOf(of)].sort().join('');
          expect(sorted(read)).toBe(sorted(statementText(statement)));
        },
      ),
      runs(60, 2_000),
    );
  });
});
