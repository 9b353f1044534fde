import {
  parseTariffText,
  parseTariff,
  type Tariff,
} from '../../../src/core/premium/tariff/tariff.ts';
import type { ExposureDay, RatingInput } from '../../../src/core/premium/rating/input.ts';
import type { Premium } from '../../../src/core/premium/rating/premium.ts';
import { checkInput } from '../../../src/core/premium/rating/check.ts';
import { quote } from '../../../src/core/premium/rating/quote.ts';
import { computeSheets } from '../../../src/core/premium/rating/worksheet.ts';

/** A tariff that must be good: the test that hands in another wants to know why. */
export function tariffOf(document: unknown): Tariff {
  const parsed = typeof document === 'string' ? parseTariffText(document) : parseTariff(document);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems, null, 1));
  return parsed.tariff;
}

export const CUT_OFF = '2026-12-31T00:00:00.000Z';

export function premiumOf(tariff: Tariff, input: RatingInput): Premium {
  const quoted = quote(tariff, input, CUT_OFF);
  if (!quoted.ok) throw new Error(JSON.stringify(quoted.problems, null, 1));
  return quoted.premium;
}

/** A total in minor units by the numbers alone: without texts and hashes a property tries many more. */
export function minorTotalOf(tariff: Tariff, input: RatingInput): number {
  const checked = checkInput(input);
  const sheets = 'period' in checked ? computeSheets(tariff, checked) : { problems: checked };
  if ('problems' in sheets) throw new Error(JSON.stringify(sheets.problems, null, 1));
  return Number(sheets.reduce((sum, { total }) => sum + total, 0n));
}

export function day(
  localDate: string,
  distanceM: number,
  more: Partial<ExposureDay> = {},
): ExposureDay {
  return { vehicleId: 'car', localDate, distanceM, nightM: 0, measures: {}, ...more };
}

/** One car for the calendar year 2026, unless told otherwise. */
export function inputOf(
  period: readonly [string, string],
  exposure: readonly ExposureDay[],
  policy: Partial<RatingInput['policy']> = {},
): RatingInput {
  const startDate = policy.startDate ?? '2026-01-01';
  const endDate = policy.endDate ?? '2027-01-01';
  return {
    period: { from: period[0], to: period[1] },
    exposure,
    policy: {
      number: 'P-1',
      startDate,
      endDate,
      vehicles: [{ vehicleId: 'car', from: startDate, to: endDate }],
      facts: [],
      ...policy,
    },
  };
}

/** A factor of one habit, over the billing period. */
export const behaviour = {
  kind: 'habits/1',
  id: 'habits',
  window: 'PERIOD',
  habits: [{ id: 'b', measure: 'harshBraking', per: '100KM', coefficient: '0.1', mean: '1' }],
  floor: '0.8',
  cap: '1.2',
  priorKm: 500,
  places: 6,
};

/** The frame every test tariff shares. */
export function document(parts: Record<string, unknown>): Record<string, unknown> {
  return {
    format: 'odograph.tariff/1',
    id: 'test',
    version: '1',
    product: 'payd',
    jurisdiction: 'US-NY',
    currency: 'USD',
    effectiveFrom: '2026-01-01',
    rounding: { mode: 'HALF_UP', places: 2 },
    charges: [{ kind: 'fixed/1', id: 'fixed', amount: '365.00', per: 'YEAR' }],
    factors: [],
    adjustments: [],
    ...parts,
  };
}
