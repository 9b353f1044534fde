import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { issueBill } from '../../../src/core/premium/bill.ts';
import { billHtml } from '../../../src/core/premium/html.ts';
import { rateTrips } from '../../../src/core/premium/rate.ts';
import { addingTariff, anyInput, anyTariff, runs } from './generators.ts';
import { CUT_OFF, day, document, inputOf, tariffOf } from './tariffs.ts';

const read = (name: string) => readFileSync(`examples/tariffs/${name}`, 'utf8');

/** The text between tags, entities as they stand. */
const textOf = (html: string) => html.replace(/<style>[^]*<\/style>/, '').replace(/<[^>]*>/g, '\n');

describe('a bill as a page', () => {
  it('shows every line’s money, the total once more, and each day as driven and as billed', () => {
    const rated = rateTrips(
      read('payd-demo.json'),
      read('march.csv'),
      { facts: {}, policyStart: '2026-01-01', from: '2026-03-01', to: '2026-04-01' },
      CUT_OFF,
    );
    if (!rated.ok) throw new Error(JSON.stringify(rated.problems));
    const html = billHtml(rated);
    for (const { amount } of rated.premium.lines) expect(html).toContain(`>${amount}<`);
    expect(html.split('USD 37.43')).toHaveLength(3);
    expect(html).toMatch(
      /5 March 2026<\/th><td class="number">322.5 km<\/td><td class="number">240 km<\/td><td>daily limit/,
    );
    expect(html).toContain('1 March 2026 to 31 March 2026, both days included');
    expect(html).toContain('Not billed yet');
  });

  it('says its number, its trips and what was estimated', () => {
    const made = issueBill(
      'B-000007',
      tariffOf(document({ charges: [{ kind: 'perKm/1', id: 'km', unit: 'km', rate: '0.1' }] })),
      inputOf(
        ['2026-02-01', '2026-03-01'],
        [day('2026-02-03', 10_000), day('2026-02-04', 5_000, { estimated: true })],
      ),
      CUT_OFF,
      [{ tripId: '42', revision: 3 }],
    );
    if (!made.ok) throw new Error(JSON.stringify(made.problems));
    const html = billHtml(made.bill);
    expect(html).toContain('<title>Bill B-000007, policy P-1</title>');
    expect(html).toContain('<code>42</code> (3)');
    expect(html).toContain('5 km of vehicle car are an estimate');
    expect(html).toMatch(/4 February 2026<\/th>.*<td>estimated<\/td>/);
  });

  it('is a page whatever names the insurer gives: nothing of them is markup, and nothing is fetched', () => {
    const nasty = fc.constantFrom(
      '<script>alert(1)</script>',
      '"><img src=x>',
      "O'Neil & Söhne",
      '${x}',
    );
    fc.assert(
      fc.property(
        fc.oneof(addingTariff, anyTariff),
        anyInput,
        nasty,
        nasty,
        (text, input, number, label) => {
          const base = text as { charges: { label?: string }[] };
          const tariff = tariffOf({ ...base, charges: base.charges.map((c) => ({ ...c, label })) });
          const made = issueBill(number, tariff, input, CUT_OFF, [{ tripId: label, revision: 1 }]);
          if (!made.ok) throw new Error(JSON.stringify(made.problems));
          const html = billHtml(made.bill);
          expect(html).not.toMatch(/<(script|img|link)|<[^>]*(src|href)=|url\(/);
          expect(textOf(html)).not.toMatch(/[<>]/);
          expect(html.match(/<t[hrd][ >]/g)).not.toBeNull();
          for (const tag of ['table', 'tbody', 'tr', 'section', 'ul']) {
            expect(html.split(`<${tag}`).length, tag).toBe(html.split(`</${tag}`).length);
          }
        },
      ),
      runs(60),
    );
  });
});
