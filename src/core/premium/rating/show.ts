import { formatDay } from '../../civil.ts';
import { formatFraction, formatScaled, ratio, type Fraction } from '../exact/fraction.ts';
import { LOG_PLACES } from '../exact/logarithm.ts';
import type { ShownEstimate, Worksheet } from './premium.ts';
import type { Estimate } from '../kinds/silent-days.ts';
import type { Tariff } from '../tariff/tariff.ts';
import { exactTotal, type VehicleSheet, type YearSheet } from './worksheet.ts';

const SHOWN_PLACES = 8;
const show = (value: Fraction): string => formatFraction(value, SHOWN_PLACES);
/** An amount in units of 10^-30, to 8 decimals. */
export const showScaled = (value: bigint): string =>
  formatFraction({ n: value, d: 10n ** BigInt(LOG_PLACES) }, SHOWN_PLACES);
/** Metres as kilometres. */
export const km = (metres: number): string => formatFraction(ratio(metres, 1000), 3);

function showEstimate(estimate: Estimate): ShownEstimate {
  const { from, to, distanceM, windowFrom, windowTo, heardDays, heardM, isMean } = estimate;
  const window = `${formatDay(windowFrom)} to ${formatDay(windowTo)} (not included)`;
  const heard = `${heardDays} ${heardDays === 1 ? 'day' : 'days'} heard from ${window}`;
  return {
    mark: 'ESTIMATED',
    from: formatDay(from),
    to: formatDay(to),
    days: to - from,
    dailyM: distanceM,
    distanceM: distanceM * (to - from),
    explanation: isMean
      ? `${km(distanceM)} km a day: ${km(heardM)} km on ${heard}`
      : `${km(distanceM)} km a day by the tariff: only ${heard}`,
  };
}

function showVehicle(
  tariff: Tariff,
  sheet: VehicleSheet,
): Worksheet['years'][number]['vehicles'][number] {
  const capUnit = tariff.charges.find((c) => c.kind.startsWith('perKm/'))?.parts[0];
  const inUnit = (mm: number): string => formatFraction(ratio(mm, capUnit?.perUnit ?? 1), 3);
  const { habits } = sheet;
  return {
    vehicleId: sheet.vehicleId,
    spans: sheet.spans.flatMap((span, s) => {
      if (!span.inPeriod) return [];
      const charges = tariff.charges.flatMap((charge, c) =>
        charge.parts.map((part, p) => {
          const charged = sheet.charged[c]?.[s]?.[p];
          return {
            id: part.id,
            quantity: formatFraction(ratio(charged?.quantity ?? 0, part.perUnit), 6),
            unit: part.unit,
            rate: part.rate,
            amount: show(charged?.amount ?? ratio(0, 1)),
          };
        }),
      );
      const factors = tariff.factors.map((factor, f) => ({
        id: factor.id,
        value: sheet.factors[s]?.[f]?.value ?? '',
        relativity: sheet.factors[s]?.[f]?.relativity.text ?? '',
      }));
      const days = span.to - span.from;
      return [{ from: formatDay(span.from), to: formatDay(span.to), days, charges, factors }];
    }),
    ...(habits === undefined
      ? {}
      : {
          habits: {
            windowFrom: formatDay(habits.windowFrom),
            windowTo: formatDay(habits.windowTo),
            km: km(habits.distanceM),
            habits: habits.parts.map(({ id, z, mean, coefficient }) => ({
              id,
              z: show(z),
              mean,
              coefficient,
            })),
            raw: show(habits.raw),
            clamped: show(habits.clamped),
            credibility: show(habits.credibility),
            factor: formatFraction(habits.final, 9),
          },
        }),
    cappedDays: sheet.cappedDays.map(({ day, drivenM, billedMm, by }) => ({
      localDate: formatDay(day),
      driven: inUnit(drivenM * 1000),
      billed: inUnit(billedMm),
      unit: capUnit?.unit ?? '',
      by,
    })),
    ...(tariff.silentDays === undefined ? {} : { estimates: sheet.estimates.map(showEstimate) }),
    estimatedKm: km(sheet.estimatedM),
    uncoveredKm: km(sheet.uncoveredM),
  };
}

/** One policy year's worksheet as people read it. */
export function showYear(tariff: Tariff, sheet: YearSheet): Worksheet['years'][number] {
  return {
    policyYearFrom: formatDay(sheet.year.start),
    policyYearTo: formatDay(sheet.year.end),
    days: sheet.year.end - sheet.year.start,
    from: formatDay(sheet.period.from),
    to: formatDay(sheet.period.to),
    ...(sheet.before === undefined
      ? {}
      : { runningTotalBefore: show(sheet.before), runningTotalAfter: show(sheet.after) }),
    unroundedTotal: show(exactTotal(sheet)),
    total: formatScaled(sheet.total, tariff.document.rounding.places),
    vehicles: sheet.vehicles.map((v) => showVehicle(tariff, v)),
  };
}
