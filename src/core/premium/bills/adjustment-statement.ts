import {
  estimatesOf,
  type AdjustmentLine,
  type BillAdjustment,
  type CreditNote,
} from './adjustment.ts';
import type { Bill } from './bill.ts';
import { hashOf } from '../exact/canonical.ts';
import {
  byVehicle,
  drivenDays,
  estimatedDays,
  spellKm,
  type DrivenDay,
} from './driven-statement.ts';
import { compare, fractionOf, sumDecimals, zero } from '../exact/fraction.ts';
import type { Snapshot } from '../rating/snapshot.ts';
import { notCountedNotes } from './not-counted-statement.ts';
import {
  spellDate,
  spellInstant,
  spellPeriod,
  withSign,
  type Note,
  type RowGroup,
  type Section,
  type Statement,
} from './statement.ts';

const isNothing = (amount: string): boolean => compare(fractionOf(amount), zero) === 0;
const negated = (amount: string): string =>
  amount.startsWith('-') ? amount.slice(1) : isNothing(amount) ? amount : `-${amount}`;

/** What is to be paid, or where it is negative what comes back. */
function dueOf(currency: string, total: string): Statement['due'] {
  return total.startsWith('-')
    ? { label: 'You get back', amount: `${currency} ${total.slice(1)}` }
    : { label: 'To pay', amount: `${currency} ${total}` };
}

const toSettle = ({ difference, settledBefore }: AdjustmentLine): string =>
  sumDecimals([difference, negated(settledBefore)]);

function lineGroup(line: AdjustmentLine): RowGroup {
  return {
    title: `Bill ${line.billNumber}: ${spellPeriod(line.from, line.to)}`,
    sums: [withSign(toSettle(line))],
    rows: [
      ['Premium by what is known now', withSign(line.now)],
      ['Billed', withSign(negated(line.billed))],
      ...(isNothing(line.settledBefore)
        ? []
        : [['Adjusted before', withSign(negated(line.settledBefore))]]),
    ],
  };
}

/** What a document knows of the days of a bill's period, those it estimates among them. */
function knownBy(
  { exposure }: Snapshot,
  { from, to }: AdjustmentLine,
  estimates: AdjustmentLine['estimates'] = [],
): DrivenDay[] {
  return drivenDays([...exposure, ...estimatedDays(estimates)], from, to);
}

/** What was known of a bill's period before: by the last adjustment that looked at it, else by the bill. */
function knownBefore(
  line: AdjustmentLine,
  bills: readonly Bill[],
  earlier: readonly BillAdjustment[],
): DrivenDay[] | undefined {
  const { billNumber } = line;
  for (const { lines, inputs } of earlier.toReversed()) {
    const last = lines.find((l) => l.billNumber === billNumber);
    if (last !== undefined) return knownBy(inputs, line, last.estimates);
  }
  const bill = bills.find(({ number }) => number === billNumber);
  return bill && knownBy(bill.inputs, line, estimatesOf(bill.premium));
}

interface ChangedDay {
  readonly vehicleId: string;
  readonly localDate: string;
  readonly beforeM: number;
  readonly nowM: number;
}

/** The days whose kilometres changed. */
function changedDays(before: readonly DrivenDay[], now: readonly DrivenDay[]): ChangedDay[] {
  const days = new Map<string, ChangedDay>();
  for (const { vehicleId, localDate, distanceM } of before) {
    const key = JSON.stringify([vehicleId, localDate]);
    days.set(key, { vehicleId, localDate, beforeM: distanceM, nowM: 0 });
  }
  for (const { vehicleId, localDate, distanceM } of now) {
    const key = JSON.stringify([vehicleId, localDate]);
    const beforeM = days.get(key)?.beforeM ?? 0;
    days.set(key, { vehicleId, localDate, beforeM, nowM: distanceM });
  }
  return [...days]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, day]) => (day.beforeM === day.nowM ? [] : [day]));
}

function changesSection(days: readonly ChangedDay[]): Section {
  const heading = 'What changed';
  if (days.length === 0)
    return {
      heading,
      sentence:
        'No day has other kilometres than before. What changed is how it was driven, or what the policy says.',
    };
  const sumsOf = (rows: readonly ChangedDay[]): string[] => [
    spellKm(rows.reduce((sum, day) => sum + day.beforeM, 0)),
    spellKm(rows.reduce((sum, day) => sum + day.nowM, 0)),
  ];
  return {
    heading,
    table: {
      caption: 'Only days on which other kilometres are known than before.',
      columns: [
        { title: 'Day' },
        { title: 'Before, km', numeric: true },
        { title: 'Now, km', numeric: true },
      ],
      groups: byVehicle(days, (rows) => ({
        sums: sumsOf(rows),
        rows: rows.map((d) => [spellDate(d.localDate), spellKm(d.beforeM), spellKm(d.nowM)]),
      })),
    },
  };
}

/**
 * The customer's statement of an adjustment: what it settles of each bill, and which days changed.
 *
 * @param bills those that it names
 * @param earlier the policy's adjustments before it, in the order of their issue
 */
export function adjustmentStatement(
  adjustment: BillAdjustment,
  bills: readonly Bill[],
  earlier: readonly BillAdjustment[],
): Statement {
  const { number, policyNumber, currency, total, lines, dataCutoff, inputs } = adjustment;
  const settled = lines.filter((line) => !isNothing(toSettle(line)));
  const unmoved = lines.filter((line) => isNothing(toSettle(line)));
  const days = settled.flatMap((line) => {
    const before = knownBefore(line, bills, earlier);
    return before ? changedDays(before, knownBy(inputs, line, line.estimates)) : [];
  });
  const notes: Note[] = [
    {
      title: 'Why',
      text: 'Trips came late, were corrected or disputed, kilometres that had been estimated are known now, or the policy was changed for days that were billed. A bill is never changed; what it should have been is settled here.',
    },
    ...(unmoved.length === 0
      ? []
      : [
          {
            title: 'As they were',
            text: `Nothing changes for ${unmoved.map((line) => line.billNumber).join(', ')}.`,
          },
        ]),
    ...notCountedNotes(adjustment),
    { title: 'Up to when', text: `Driving counts as it was known at ${spellInstant(dataCutoff)}.` },
  ];
  return {
    title: `Adjustment ${number}`,
    about: [`Car insurance policy ${policyNumber}`],
    due: dueOf(currency, total),
    sections: [
      {
        heading: 'What it settles',
        table: {
          caption: `In ${currency}, bill by bill.`,
          columns: [{ title: 'What' }, { title: currency, numeric: true }],
          groups: settled.map(lineGroup),
          total: { title: `Total in ${currency}`, sums: [withSign(total)] },
        },
      },
      changesSection(days),
      { heading: 'Good to know', notes },
      {
        heading: 'To calculate this again',
        evidence: {
          facts: [
            { name: `Adjustment ${number}`, value: hashOf(adjustment) },
            { name: 'Inputs', value: adjustment.inputsHash },
            { name: 'Engine', value: adjustment.engine },
            { name: 'Cut-off', value: dataCutoff },
          ],
        },
      },
    ],
  };
}

/** The customer's statement of a credit note. */
export function creditNoteStatement(note: CreditNote): Statement {
  const { number, policyNumber, billNumber, currency, billed, adjusted, total, reason } = note;
  return {
    title: `Credit note ${number}`,
    about: [`Car insurance policy ${policyNumber}`, `Takes back bill ${billNumber}`],
    due: dueOf(currency, total),
    sections: [
      {
        heading: 'What is taken back',
        table: {
          caption: `In ${currency}.`,
          columns: [{ title: 'What' }, { title: currency, numeric: true }],
          groups: [
            {
              rows: [
                [`Bill ${billNumber}`, withSign(negated(billed))],
                ...(isNothing(adjusted)
                  ? []
                  : [['What adjustments made of it', withSign(negated(adjusted))]]),
              ],
            },
          ],
          total: { title: `Total in ${currency}`, sums: [withSign(total)] },
        },
      },
      { heading: 'Why', sentence: reason },
      {
        heading: 'To look it up',
        evidence: {
          facts: [
            { name: `Credit note ${number}`, value: hashOf(note) },
            { name: `Bill ${billNumber}`, value: note.billHash },
          ],
        },
      },
    ],
  };
}
