import type { City } from './cities.ts';

/** First local date that the fleet's tariffs price. */
const TARIFF_FROM = '2020-01-01';
export const PRODUCT = 'pay-as-you-drive';

interface Prices {
  readonly currency: string;
  readonly unit: 'km' | 'mi';
  readonly perYear: string;
  readonly perUnit: string;
  readonly dailyCap: number;
  readonly perNightKm: string;
  readonly tax: string;
}

// Invented prices of a realistic size: a car with some 12,000 km a year costs 400 to 900 a year.
const US: Prices = {
  currency: 'USD',
  unit: 'mi',
  perYear: '348.00',
  perUnit: '0.058',
  dailyCap: 250,
  perNightKm: '0.02',
  tax: '0.0228',
};
const PRICES: Readonly<Record<string, Prices>> = {
  'US-MA': US,
  'US-NE': { ...US, perYear: '300.00', perUnit: '0.049', tax: '0.01' },
  GB: {
    currency: 'GBP',
    unit: 'mi',
    perYear: '240.00',
    perUnit: '0.045',
    dailyCap: 150,
    perNightKm: '0.015',
    tax: '0.12',
  },
  DE: {
    currency: 'EUR',
    unit: 'km',
    perYear: '264.00',
    perUnit: '0.024',
    dailyCap: 300,
    perNightKm: '0.01',
    tax: '0.19',
  },
  PT: {
    currency: 'EUR',
    unit: 'km',
    perYear: '216.00',
    perUnit: '0.022',
    dailyCap: 300,
    perNightKm: '0.01',
    tax: '0.09',
  },
};

/** Name of the tariff of a city's policies. */
export function tariffName(city: City): string {
  return `sim-${PRODUCT}-${city.jurisdiction}`;
}

/** A pay-as-you-drive tariff for a city's policies: a price per year, per kilometre and per night kilometre. */
export function tariffDocument(city: City): Readonly<Record<string, unknown>> {
  const prices = PRICES[city.jurisdiction] as Prices;
  return {
    format: 'odograph.tariff/1',
    id: tariffName(city),
    version: '1',
    product: PRODUCT,
    jurisdiction: city.jurisdiction,
    currency: prices.currency,
    effectiveFrom: TARIFF_FROM,
    title: 'Pay as you drive (simulated)',
    rounding: { mode: 'HALF_UP', places: 2 },
    charges: [
      { kind: 'fixed/1', id: 'base', label: 'Base', amount: prices.perYear, per: 'YEAR' },
      {
        kind: 'perKm/1',
        id: 'distance',
        unit: prices.unit,
        rate: prices.perUnit,
        dailyCap: prices.dailyCap,
      },
      {
        kind: 'perMeasure/1',
        id: 'night',
        label: 'Driving at night',
        measure: 'nightM',
        perUnits: 1000,
        unit: 'km at night',
        rate: prices.perNightKm,
      },
    ],
    factors: [
      {
        kind: 'relativity/1',
        id: 'parking',
        label: 'Where the car sleeps',
        fact: 'parking',
        table: { garage: '0.94', driveway: '1', street: '1.08' },
        otherwise: '1',
      },
    ],
    adjustments: [{ kind: 'tax/1', id: 'tax', label: 'Insurance tax', rate: prices.tax }],
  };
}
