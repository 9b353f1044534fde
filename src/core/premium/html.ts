import { formatDay } from '../civil.ts';
import type { Bill } from './bill.ts';
import { readDate } from './calendar.ts';
import {
  add,
  formatFraction,
  formatScaled,
  fractionOf,
  ratio,
  roundHalfUp,
  zero,
} from './fraction.ts';
import type { ExposureDay } from './input.ts';
import { escapeHtml, htmlPage, signedMoney, spellDate } from './page.ts';
import type { Premium, PremiumLine } from './premium.ts';
import type { LineKind } from './worksheet.ts';

/** What can be printed: an issued bill, or a premium that is not billed (yet). */
export type Printed = Pick<Bill, 'premium'> & Partial<Pick<Bill, 'number' | 'inputs' | 'trips'>>;

const GROUPS: readonly { readonly title: string; readonly kinds: readonly LineKind[] }[] = [
  { title: 'Time and driving', kinds: ['CHARGE'] },
  { title: 'You, your car and where it is kept', kinds: ['FACTOR'] },
  { title: 'How it was driven', kinds: ['HABIT', 'CLAMP', 'CREDIBILITY'] },
  { title: 'Fees and taxes', kinds: ['ADJUSTMENT'] },
];

/** The sum of amounts that all have the same number of decimals. */
function sumOf(amounts: readonly string[]): string {
  const places = amounts[0]?.split('.')[1]?.length ?? 0;
  const sum = amounts.reduce((total, amount) => add(total, fractionOf(amount)), zero);
  return formatScaled(roundHalfUp(sum, places), places);
}

function moneyRow(line: PremiumLine): string {
  return `<tr><th scope="row">${escapeHtml(line.label)}</th><td class="how">${escapeHtml(line.explanation)}</td><td class="number">${signedMoney(line.amount, line.kind !== 'CHARGE')}</td></tr>`;
}

/** One body of rows for each group of lines that there is, with what the group comes to. */
function moneyGroups(lines: readonly PremiumLine[], who: string): string {
  return GROUPS.flatMap(({ title, kinds }) => {
    const own = lines.filter((line) => kinds.includes(line.kind));
    if (own.length === 0) return [];
    const sum = signedMoney(sumOf(own.map((line) => line.amount)), !kinds.includes('CHARGE'));
    const head = `<tr><th scope="rowgroup" colspan="2">${escapeHtml(title + who)}</th><td class="number"><strong>${sum}</strong></td></tr>`;
    return [`<tbody>\n${[head, ...own.map(moneyRow)].join('\n')}\n</tbody>`];
  }).join('\n');
}

function moneyTable(premium: Premium): string {
  const vehicles = [...new Set(premium.lines.map((line) => line.vehicleId))];
  const several = vehicles.filter((v) => v !== undefined).length > 1;
  const groups = vehicles.map((vehicle) =>
    moneyGroups(
      premium.lines.filter((line) => line.vehicleId === vehicle),
      several && vehicle !== undefined ? ` (vehicle ${vehicle})` : '',
    ),
  );
  return `<section>
<h2>What makes the total</h2>
<table>
<caption>Each line in ${escapeHtml(premium.currency)}, as it adds to the total or takes from it. Bold: each part’s sum.</caption>
<thead><tr><th scope="col">What</th><th scope="col">How</th><th scope="col" class="number">${escapeHtml(premium.currency)}</th></tr></thead>
${groups.join('\n')}
<tfoot><tr><th scope="row" colspan="2">Total</th><td class="number">${escapeHtml(premium.currency)} ${signedMoney(premium.total)}</td></tr></tfoot>
</table>
</section>`;
}

/** Metres as the tariff counts them, to a tenth. */
function distance(metres: number, unit: string): string {
  return `${formatFraction(ratio(metres * 1000, unit === 'mi' ? 1_609_344 : 1_000_000), 1)} ${unit}`;
}

function dayRow(row: ExposureDay, printed: Printed, unit: string, several: boolean): string {
  const cap = printed.premium.worksheet.years
    .flatMap((year) => year.vehicles)
    .filter((vehicle) => vehicle.vehicleId === row.vehicleId)
    .flatMap((vehicle) => vehicle.cappedDays)
    .find((day) => day.localDate === row.localDate);
  const billed = cap ? `${cap.billed} ${cap.unit}` : distance(row.distanceM, unit);
  const why = [
    ...(cap ? [cap.by === 'DAY' ? 'daily limit' : 'yearly limit'] : []),
    ...(row.estimated ? ['estimated'] : []),
  ];
  const cells = [
    ...(several ? [`<td>${escapeHtml(row.vehicleId)}</td>`] : []),
    `<td class="number">${distance(row.distanceM, unit)}</td>`,
    `<td class="number">${escapeHtml(billed)}</td>`,
    `<td>${why.join(', ')}</td>`,
  ];
  return `<tr><th scope="row">${spellDate(row.localDate)}</th>${cells.join('')}</tr>`;
}

/** The days on which somebody drove, each as it was driven and as it was billed. */
function drivenTable(printed: Printed): string {
  const { premium, inputs } = printed;
  if (inputs === undefined) return '';
  const rows = inputs.exposure
    .filter(({ localDate, distanceM }) => {
      return localDate >= premium.from && localDate < premium.to && distanceM > 0;
    })
    .sort((a, b) => (a.localDate < b.localDate ? -1 : a.localDate > b.localDate ? 1 : 0));
  if (rows.length === 0)
    return '<section>\n<h2>What was driven</h2>\n<p>Nothing in this period.</p>\n</section>';
  const several = inputs.policy.vehicles.length > 1;
  const unit = premium.lines.some((line) => line.unit === 'mi') ? 'mi' : 'km';
  const together = distance(
    rows.reduce((sum, row) => sum + row.distanceM, 0),
    unit,
  );
  return `<section>
<h2>What was driven</h2>
<table>
<caption>${together} on days of this period, by the local calendar where the car was. A day with no row had no driving.</caption>
<thead><tr><th scope="col">Day</th>${several ? '<th scope="col">Vehicle</th>' : ''}<th scope="col" class="number">Driven</th><th scope="col" class="number">Billed</th><th scope="col">Why</th></tr></thead>
<tbody>
${rows.map((row) => dayRow(row, printed, unit, several)).join('\n')}
</tbody>
</table>
</section>`;
}

function notes({ premium, number }: Printed): string {
  const vehicles = premium.worksheet.years.flatMap((year) => year.vehicles);
  const capped = vehicles.some((vehicle) => vehicle.cappedDays.length > 0);
  const estimated = vehicles.filter((vehicle) => vehicle.estimatedKm !== '0');
  const uncovered = vehicles.filter((vehicle) => vehicle.uncoveredKm !== '0');
  const signed = premium.lines.some((line) => line.kind === 'FACTOR' || line.kind === 'HABIT');
  const said = [
    ...(capped
      ? ['<strong>Limits.</strong> What is driven beyond the limit of a day or a year is free.']
      : []),
    ...(signed
      ? [
          '<strong>Plus and minus.</strong> A factor above 1 adds and one below 1 takes. Factors multiply; what each adds or takes is its share of the whole effect, and does not depend on their order.',
        ]
      : []),
    ...estimated.map(
      ({ vehicleId, estimatedKm }) =>
        `<strong>Estimated.</strong> ${estimatedKm} km of vehicle ${escapeHtml(vehicleId)} are an estimate, since the device sent nothing on those days. Once the true kilometres are known, the difference is charged or given back by an adjustment.`,
    ),
    ...uncovered.map(
      ({ vehicleId, uncoveredKm }) =>
        `<strong>Not covered.</strong> ${uncoveredKm} km of vehicle ${escapeHtml(vehicleId)} fell on days without cover; they cost nothing here.`,
    ),
    `<strong>Up to when.</strong> Driving counts here as it was known at ${escapeHtml(premium.dataCutoff)}. What came later does not change this ${number === undefined ? 'page' : 'bill; it comes as an adjustment with a number of its own'}.`,
    '<strong>A trip is wrong?</strong> Tell your insurer its day, or its number from the list below where there is one. While it is disputed it does not count; the difference comes as an adjustment, never as a changed bill.',
  ];
  return `<section>\n<h2>Good to know</h2>\n<ul>\n${said.map((note) => `<li>${note}</li>`).join('\n')}\n</ul>\n</section>`;
}

function evidence({ premium, trips = [] }: Printed): string {
  const list = trips
    .map(({ tripId, revision }) => `<li><code>${escapeHtml(tripId)}</code> (${revision})</li>`)
    .join('\n');
  const counted =
    trips.length === 0
      ? ''
      : `<p>Trips behind this bill, each with the number of its revision:</p>\n<ul class="ids">\n${list}\n</ul>\n`;
  return `<section class="small">
<h2>To calculate this again</h2>
<p>Tariff ${escapeHtml(premium.tariff.id)}, version ${escapeHtml(premium.tariff.version)}: <code>${escapeHtml(premium.tariff.hash)}</code><br>
Inputs: <code>${escapeHtml(premium.inputsHash)}</code><br>
Engine: <code>${escapeHtml(premium.engine)}</code></p>
<p>Rounding: ${escapeHtml(premium.worksheet.rounding)}.</p>
${counted}</section>`;
}

/** A bill, or a premium not billed yet, as a page for its customer: HTML that stands alone and prints on A4 and Letter. */
export function billHtml(printed: Printed): string {
  const { premium, number } = printed;
  const title = number === undefined ? 'Premium preview' : `Bill ${number}`;
  const last = formatDay((readDate(premium.to) ?? 0) - 1);
  const body = [
    `<header>
<div>
<h1>${escapeHtml(title)}</h1>
<p>Car insurance policy ${escapeHtml(premium.policyNumber)}</p>
<p>${spellDate(premium.from)} to ${spellDate(last)}, both days included</p>
</div>
<p class="due">${number === undefined ? 'Not billed yet' : 'Total'}<strong>${escapeHtml(premium.currency)} ${signedMoney(premium.total)}</strong></p>
</header>`,
    moneyTable(premium),
    drivenTable(printed),
    notes(printed),
    evidence(printed),
  ];
  return htmlPage(`${title}, policy ${premium.policyNumber}`, body.filter(Boolean).join('\n'));
}
