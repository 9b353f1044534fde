import type { Billed } from './bill.ts';
import { hashOf } from '../exact/canonical.ts';
import { sumDecimals } from '../exact/fraction.ts';
import { drivenSection } from './driven-statement.ts';
import { notCountedNotes } from './not-counted-statement.ts';
import type { Premium, PremiumLine, ShownEstimate } from '../rating/premium.ts';
import {
  spellInstant,
  spellPeriod,
  withSign,
  type Note,
  type RowGroup,
  type Section,
  type Statement,
} from './statement.ts';
import type { LineKind } from '../rating/worksheet.ts';

const GROUPS: readonly { readonly title: string; readonly kinds: readonly LineKind[] }[] = [
  { title: 'Time and driving', kinds: ['CHARGE', 'ESTIMATED'] },
  { title: 'You, your car and where it is kept', kinds: ['FACTOR'] },
  { title: 'How it was driven', kinds: ['HABIT', 'CLAMP', 'CREDIBILITY'] },
  { title: 'Fees and taxes', kinds: ['ADJUSTMENT'] },
];

function moneyGroups(lines: readonly PremiumLine[], of: string): RowGroup[] {
  return GROUPS.flatMap(({ title, kinds }) => {
    const own = lines.filter((line) => kinds.includes(line.kind));
    if (own.length === 0) return [];
    const sign = kinds.includes('CHARGE') ? (amount: string) => amount : withSign;
    const rows = own.map(({ label, explanation, amount }) => [label, explanation, sign(amount)]);
    return [{ title: title + of, sums: [sign(sumDecimals(own.map((l) => l.amount)))], rows }];
  });
}

function moneySection({ lines, currency, total }: Premium): Section {
  const vehicles = [...new Set(lines.map((line) => line.vehicleId))];
  const several = vehicles.filter((vehicle) => vehicle !== undefined).length > 1;
  return {
    heading: 'What makes the total',
    table: {
      caption: `Each line in ${currency}, as it adds to the total or takes from it, below what its part comes to.`,
      columns: [{ title: 'What' }, { title: 'How' }, { title: currency, numeric: true }],
      groups: vehicles.flatMap((vehicle) =>
        moneyGroups(
          lines.filter((line) => line.vehicleId === vehicle),
          several && vehicle !== undefined ? `, vehicle ${vehicle}` : '',
        ),
      ),
      total: { title: `Total in ${currency}`, sums: [total] },
    },
  };
}

function spellEstimate({ from, to, explanation }: ShownEstimate): string {
  return `${spellPeriod(from, to)}: ${explanation}. `;
}

function notesOf(billed: Billed): Note[] {
  const { lines, worksheet, dataCutoff } = billed.premium;
  const issued = 'number' in billed;
  const vehicles = worksheet.years.flatMap((year) => year.vehicles);
  const capped = vehicles.some((vehicle) => vehicle.cappedDays.length > 0);
  const multiplied = lines.some((line) => line.kind === 'FACTOR' || line.kind === 'HABIT');
  const note = (title: string, text: string): Note => ({ title, text });
  return [
    ...(capped
      ? [note('Limits', 'What is driven beyond the limit of a day or a year is free.')]
      : []),
    ...(multiplied
      ? [
          note(
            'Plus and minus',
            'A factor above 1 adds and one below 1 takes. Factors multiply; what each adds or takes is its share of the whole effect, and does not depend on their order.',
          ),
        ]
      : []),
    ...vehicles
      .filter(({ estimatedKm }) => estimatedKm !== '0')
      .map(({ vehicleId, estimatedKm, estimates = [] }) =>
        note(
          'Estimated',
          `${estimatedKm} km of vehicle ${vehicleId} are an estimate, since the device sent nothing on those days. ${estimates.map(spellEstimate).join('')}Once the true kilometres are known, the difference is charged or given back by an adjustment.`,
        ),
      ),
    ...vehicles
      .filter(({ uncoveredKm }) => uncoveredKm !== '0')
      .map(({ vehicleId, uncoveredKm }) =>
        note(
          'Not covered',
          `${uncoveredKm} km of vehicle ${vehicleId} fell on days without cover; they cost nothing here.`,
        ),
      ),
    ...(issued ? notCountedNotes(billed) : []),
    note(
      'Up to when',
      `Driving counts here as it was known at ${spellInstant(dataCutoff)}. What came later does not change this ${issued ? 'bill; it comes as an adjustment with a number of its own' : 'page'}.`,
    ),
    note(
      'A trip is wrong?',
      'Tell your insurer its day, or its number from the list below where there is one. While it is disputed it does not count; the difference comes as an adjustment, never as a changed bill.',
    ),
  ];
}

function evidenceSection(billed: Billed): Section {
  const { tariff, inputsHash, engine, dataCutoff, worksheet } = billed.premium;
  const trips = 'trips' in billed ? billed.trips : [];
  return {
    heading: 'To calculate this again',
    evidence: {
      facts: [
        ...('number' in billed ? [{ name: `Bill ${billed.number}`, value: hashOf(billed) }] : []),
        { name: `Tariff ${tariff.id}, version ${tariff.version}`, value: tariff.hash },
        { name: 'Inputs', value: inputsHash },
        { name: 'Engine', value: engine },
        { name: 'Cut-off', value: dataCutoff },
        { name: 'Rounding', value: worksheet.rounding },
      ],
      ...(trips.length === 0
        ? {}
        : {
            list: {
              title: 'Trips behind it, each with its revision',
              items: trips.map(({ tripId, revision }) => `${tripId} (${revision})`),
            },
          }),
    },
  };
}

/** The customer's statement of a bill, or of a premium not billed yet. */
export function billStatement(billed: Billed): Statement {
  const { premium } = billed;
  const issued = 'number' in billed;
  return {
    title: issued ? `Bill ${billed.number}` : 'Premium preview',
    about: [`Car insurance policy ${premium.policyNumber}`, spellPeriod(premium.from, premium.to)],
    due: {
      label: issued ? 'Total' : 'Not billed yet',
      amount: `${premium.currency} ${premium.total}`,
    },
    sections: [
      moneySection(premium),
      drivenSection(billed),
      { heading: 'Good to know', notes: notesOf(billed) },
      evidenceSection(billed),
    ],
  };
}
