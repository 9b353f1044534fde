import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Statement } from '../../../../src/core/premium/bills/statement.ts';
import { statementText } from '../../../../src/core/premium/bills/text.ts';
import { runs } from '../generators.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 20 }),
  fc.constantFrom('\u001b[31mred\u0007', 'a\nb\r\nc', '', ' ', 'x'.repeat(300)),
);
const anyAmount = fc.integer({ min: -1e9, max: 1e9 }).map((cents) => (cents / 100).toFixed(2));

const anyTable = fc.record({
  caption: anyText,
  columns: fc
    .tuple(anyText, anyText)
    .map(([a, b]) => [{ title: a }, { title: b }, { title: 'EUR', numeric: true }]),
  groups: fc.array(
    fc.record({
      title: anyText,
      sums: fc.tuple(anyAmount),
      rows: fc.array(fc.tuple(anyText, anyText, anyAmount), { maxLength: 3 }),
    }),
    { maxLength: 3 },
  ),
  total: fc.record({ title: anyText, sums: fc.tuple(anyAmount) }),
});
const anyStatement: fc.Arbitrary<Statement> = fc.record({
  title: anyText,
  about: fc.array(anyText, { maxLength: 2 }),
  due: fc.record({ label: anyText, amount: anyAmount }),
  sections: fc.array(
    fc.record({
      heading: anyText,
      sentence: anyText,
      table: anyTable,
      notes: fc.array(fc.record({ title: anyText, text: anyText }), { maxLength: 2 }),
      evidence: fc.record({
        facts: fc.array(fc.record({ name: anyText, value: anyText }), { maxLength: 2 }),
        list: fc.record({ title: anyText, items: fc.array(anyText, { maxLength: 4 }) }),
      }),
    }),
    { maxLength: 2 },
  ),
});

describe('a statement as text', () => {
  it('aligns numbers, wraps words within their column, and marks groups', () => {
    const text = statementText({
      title: 'Bill B-1',
      about: ['Car insurance policy P-1'],
      due: { label: 'Total', amount: 'EUR -4.00' },
      sections: [
        {
          heading: 'What makes the total',
          table: {
            caption: 'Each line in EUR.',
            columns: [{ title: 'What' }, { title: 'How' }, { title: 'EUR', numeric: true }],
            groups: [
              {
                title: 'How it was driven',
                sums: ['-14.00'],
                rows: [
                  [
                    'Harsh braking',
                    'a rate that is far below what all the others of this tariff have on average',
                    '-14.00',
                  ],
                ],
              },
              { title: 'Fees', sums: ['+10.00'], rows: [['Fee', 'once', '+10.00']] },
            ],
            total: { title: 'Total in EUR', sums: ['-4.00'] },
          },
        },
        { heading: 'Good to know', notes: [{ title: 'Wrong?', text: 'Say so.' }] },
      ],
    });
    expect(text).toBe(`Bill B-1
========
Car insurance policy P-1

Total                                                          EUR -4.00


What makes the total
--------------------
Each line in EUR.

What             How                                                 EUR
------------------------------------------------------------------------
How it was driven                                                 -14.00
  Harsh braking  a rate that is far below what all the others of  -14.00
                 this tariff have on average

Fees                                                              +10.00
  Fee            once                                             +10.00
------------------------------------------------------------------------
Total in EUR                                                       -4.00


Good to know
------------
- Wrong? Say so.
`);
  });

  it('gives sums the room they need, cuts words longer than a line, and facts stay on a line that holds them', () => {
    const text = statementText({
      title: '  Bill \t B-1  ',
      about: [],
      due: { label: 'Total', amount: '0' },
      sections: [
        {
          heading: 'H',
          table: {
            caption: 'C',
            columns: [
              { title: 'Day' },
              { title: 'Remark' },
              { title: 'km', numeric: true },
              { title: 'mi', numeric: true },
            ],
            groups: [
              {
                title: 'G',
                sums: ['1000000.000', '9.9'],
                rows: [['a', `${'x'.repeat(50)} y`, '1', '22222.00']],
              },
            ],
            total: { title: 'T', sums: ['77.7'] },
          },
          notes: [{ title: 'A? b', text: 'c' }],
          evidence: {
            facts: [
              { name: 'n'.repeat(30), value: 'v'.repeat(40) },
              { name: 'n'.repeat(30), value: 'v'.repeat(41) },
            ],
          },
        },
      ],
    });
    expect(text).toMatchInlineSnapshot(`
      "Bill B-1
      ========

      Total                                                                  0


      H
      -
      C

      Day  Remark                                                 km        mi
      ------------------------------------------------------------------------
      G                                                  1000000.000       9.9
        a  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx            1  22222.00
           xxxxxx y
      ------------------------------------------------------------------------
      T                                                                   77.7
      - A? b. c
      nnnnnnnnnnnnnnnnnnnnnnnnnnnnnn: vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv
      nnnnnnnnnnnnnnnnnnnnnnnnnnnnnn:
      vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv
      "
    `);
  });

  it('is at most 72 columns wide and moves no cursor, whatever names the insurer gives', () => {
    fc.assert(
      fc.property(anyStatement, (statement) => {
        const text = statementText(statement);
        expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
        for (const line of text.split('\n')) expect([...line].length).toBeLessThanOrEqual(72);
        for (const { amount } of [statement.due]) expect(text).toContain(amount);
        for (const { table } of statement.sections)
          for (const { rows } of table?.groups ?? [])
            for (const row of rows) expect(text).toContain(row[2]);
      }),
      runs(200, 20_000),
    );
  });
});
