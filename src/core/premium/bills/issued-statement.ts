import { adjustmentStatement, creditNoteStatement } from './adjustment-statement.ts';
import type { BillAdjustment, CreditNote } from './adjustment.ts';
import { billStatement } from './bill-statement.ts';
import type { Bill } from './bill.ts';
import type { Statement } from './statement.ts';

/** What is issued for a policy. */
export type IssuedDocument = Bill | BillAdjustment | CreditNote;

/**
 * The customer's statement of a document.
 *
 * @param before for an adjustment: what was issued for its policy before it, in the order of issue
 */
export function issuedStatement(
  document: IssuedDocument,
  before: readonly IssuedDocument[],
): Statement {
  switch (document.format) {
    case 'odograph.bill/1':
      return billStatement(document);
    case 'odograph.credit-note/1':
      return creditNoteStatement(document);
    case 'odograph.adjustment/1': {
      const bills = before.filter((one) => one.format === 'odograph.bill/1');
      const earlier = before.filter((one) => one.format === 'odograph.adjustment/1');
      return adjustmentStatement(document, bills, earlier);
    }
  }
}
