import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  computeAdjustment,
  computeCreditNote,
  type BillAdjustment,
} from '../../../../src/core/premium/bills/adjustment.ts';
import { composeBill, recomposeBill, type Bill } from '../../../../src/core/premium/bills/bill.ts';
import { statementHtml } from '../../../../src/core/premium/bills/html.ts';
import {
  issuedStatement,
  type IssuedDocument,
} from '../../../../src/core/premium/bills/issued-statement.ts';
import { statementText } from '../../../../src/core/premium/bills/text.ts';
import { stories, type Story } from '../stories.ts';
import { tariffOf } from '../tariffs.ts';

/** From here, as snapshots of files are named. */
const KEPT = '../../../fixtures/issued';

interface Made {
  readonly document: IssuedDocument;
  readonly bytes: string;
}

/** All that is issued in a story, in order. */
function documentsOf({ name, tariff: text, policy, bills, adjustments, credited }: Story): Made[] {
  const tariff = tariffOf(text);
  const made: Made[] = [];
  const issued: Bill[] = [];
  const earlier: BillAdjustment[] = [];
  bills.forEach(({ cutOff, trips, ...known }, i) => {
    const result = composeBill(`${name}-${i + 1}`, tariff, { policy, ...known }, cutOff, trips);
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    issued.push(result.bill);
    made.push({ document: result.bill, bytes: result.bytes });
  });
  for (const known of adjustments ?? []) {
    const number = `${name}-${made.length + 1}`;
    const tariffs = new Map([[tariff.hash, tariff]]);
    const result = computeAdjustment(number, issued, earlier, { policy, ...known }, tariffs);
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    earlier.push(result.adjustment);
    made.push({ document: result.adjustment, bytes: result.bytes });
  }
  const bill = credited === undefined ? undefined : issued[credited];
  if (bill !== undefined) {
    const { places } = tariff.document.rounding;
    const number = `${name}-${made.length + 1}`;
    const { note, bytes } = computeCreditNote(
      number,
      bill,
      earlier,
      places,
      'Sold before it began',
    );
    made.push({ document: note, bytes });
  }
  return made;
}

// These were issued by this engine and must come out the same for as long as it is named so: what moves a
// byte of them raises PREMIUM_ENGINE. They are not written anew by `vitest -u` to make this pass.
describe.each(stories)('what was issued in the story of $name', (story) => {
  it('is issued to the bytes that are kept', async () => {
    for (const { document, bytes } of documentsOf(story))
      await expect(`${bytes}\n`).toMatchFileSnapshot(`${KEPT}/${document.number}.json`);
  });

  it('is recalculated from what is kept', () => {
    for (const { document } of documentsOf(story).slice(0, story.bills.length)) {
      const bytes = readFileSync(`test/fixtures/issued/${document.number}.json`, 'utf8').trim();
      const again = recomposeBill(bytes, tariffOf(story.tariff));
      expect(again).toMatchObject({ ok: true, same: true });
    }
  });

  it('has the statement that is kept, as text and as HTML', async () => {
    const made = documentsOf(story);
    for (const [i, { document }] of made.entries()) {
      const before = made.slice(0, i).map((earlier) => earlier.document);
      const statement = issuedStatement(document, before);
      const kept = `${KEPT}/${document.number}`;
      await expect(statementText(statement)).toMatchFileSnapshot(`${kept}.txt`);
      // The look may change, what is said may not.
      const page = statementHtml(statement).replace(/<style>.*?<\/style>\n/s, '');
      await expect(page).toMatchFileSnapshot(`${kept}.html`);
    }
  });
});
