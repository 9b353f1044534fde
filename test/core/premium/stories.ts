import type { KnownNow } from '../../../src/core/premium/bills/adjustment.ts';
import type {
  DeviceDays,
  ExposureDay,
  RatingInput,
} from '../../../src/core/premium/rating/input.ts';
import { document } from './tariffs.ts';

/** A policy through some bills, and through what came late to them. */
export interface Story {
  /** Begins the names of its files and the numbers of its documents. */
  readonly name: string;
  readonly tariff: Readonly<Record<string, unknown>>;
  readonly policy: RatingInput['policy'];
  /** Each by what was known when it was issued. */
  readonly bills: readonly Known[];
  /** What was known when the bills were put right, time after time. */
  readonly adjustments?: readonly Omit<KnownNow, 'policy'>[];
  /** Place of the bill that is taken back at the end. */
  readonly credited?: number;
}

type Known = Pick<RatingInput, 'period' | 'exposure' | 'deviceDays'> & {
  readonly cutOff: string;
  readonly trips: KnownNow['trips'];
};

function rowsOf(
  vehicleId: string,
  rows: readonly (readonly [string, number, number?, Readonly<Record<string, number>>?])[],
): ExposureDay[] {
  return rows.map(([localDate, distanceM, nightM = 0, measures = {}]) => ({
    vehicleId,
    localDate,
    distanceM,
    nightM,
    measures,
  }));
}

/** The same every day of a month. */
function daily(month: string, days: number, distanceM: number): [string, number][] {
  return Array.from({ length: days }, (_, i) => [
    `${month}-${String(i + 1).padStart(2, '0')}`,
    distanceM,
  ]);
}

/** Miles by bands up to two limits, two cars and two drivers, changes and an anniversary in the midst of a bill. */
const miles: Story = {
  name: 'miles',
  tariff: document({
    id: 'miles-gb',
    jurisdiction: 'GB',
    currency: 'GBP',
    effectiveFrom: '2027-01-01',
    title: 'Pay by mile',
    charges: [
      { kind: 'fixed/1', id: 'base', amount: '240.00', per: 'YEAR' },
      {
        kind: 'perKm/1',
        id: 'miles',
        unit: 'mi',
        bands: [{ upTo: 500, rate: '0.06' }, { upTo: 1000, rate: '0.04' }, { rate: '0.03' }],
        bandsPer: 'YEAR',
        dailyCap: 150,
        yearlyCap: 1200,
      },
      {
        kind: 'perMeasure/1',
        id: 'night',
        label: 'Driven at night',
        measure: 'nightM',
        perUnits: 1000,
        unit: 'km at night',
        rate: '0.015',
      },
    ],
    factors: [
      {
        kind: 'relativity/1',
        id: 'area',
        label: 'Where the car is kept',
        fact: 'postcode',
        table: { N1: '1.3', YO1: '0.85' },
        otherwise: '1',
        appliesTo: ['base', 'miles'],
      },
      {
        kind: 'banded/1',
        id: 'age',
        label: 'Age of the drivers',
        fact: 'age',
        subject: 'DRIVERS',
        bands: [
          { below: 25, relativity: '1.75' },
          { below: 70, relativity: '1' },
          { relativity: '1.2' },
        ],
      },
      {
        kind: 'relativity/1',
        id: 'licence',
        fact: 'licence',
        subject: 'DRIVERS',
        combine: 'MEAN',
        table: { full: '1', new: '1.4' },
      },
    ],
    adjustments: [
      {
        kind: 'loading/1',
        id: 'expenses',
        fixedPerYear: '36.50',
        variable: '0.15',
        profit: '0.05',
      },
      { kind: 'fee/1', id: 'fee', label: 'Device', amount: '24.00', per: 'YEAR' },
      { kind: 'tax/1', id: 'ipt', label: 'Insurance Premium Tax', rate: '0.12' },
    ],
  }),
  policy: {
    number: 'P-2027-8',
    startDate: '2027-03-15',
    endDate: '2029-03-15',
    vehicles: [
      { vehicleId: 'car', from: '2027-03-15', to: '2029-03-15' },
      { vehicleId: 'van', from: '2028-02-27', to: '2028-04-01' },
    ],
    facts: [
      { from: '2027-03-15', to: '2028-03-05', values: { postcode: 'YO1' } },
      { from: '2028-03-05', to: '2029-03-15', values: { postcode: 'N1' } },
      { from: '2027-03-15', to: '2029-03-15', vehicleId: 'van', values: { postcode: 'LS2' } },
      {
        from: '2027-03-15',
        to: '2029-03-15',
        driverId: 'ann',
        values: { age: 44, licence: 'full' },
      },
      {
        from: '2028-03-20',
        to: '2029-03-15',
        driverId: 'bob',
        vehicleId: 'car',
        values: { age: 19, licence: 'new' },
      },
    ],
  },
  bills: [
    {
      period: { from: '2028-02-01', to: '2028-04-10' },
      exposure: [
        ...rowsOf('car', [
          ...daily('2027-06', 25, 60_000),
          ['2028-02-03', 120_000, 20_000],
          ['2028-02-29', 300_500, 1_250],
          ['2028-03-02', 150_000],
          ['2028-03-14', 40_000],
          ['2028-03-15', 40_000, 40_000],
          ['2028-03-21', 12_345],
          ['2028-04-09', 402_336],
          ['2028-04-10', 99_000],
        ]),
        ...rowsOf('van', [
          ['2028-02-26', 5_000],
          ['2028-02-28', 80_467, 3_000],
          ['2028-03-31', 1_609],
        ]),
      ],
      cutOff: '2028-04-12T06:30:00.000Z',
      trips: [
        { tripId: 'van-7', revision: 1 },
        { tripId: 'car-12', revision: 4 },
      ],
    },
  ],
};

const HABITS = {
  kind: 'habits/1',
  id: 'habits',
  appliesTo: ['distance', 'phone'],
  habits: [
    {
      id: 'braking',
      label: 'Harsh braking',
      measure: 'harshBraking',
      per: '100KM',
      coefficient: '0.12',
      mean: '1.5',
    },
    {
      id: 'night',
      label: 'Driving at night',
      measure: 'nightM',
      per: 'DISTANCE',
      coefficient: '0.9',
      mean: '0.08',
    },
  ],
  floor: '0.75',
  cap: '1.35',
  priorKm: 1500,
  places: 6,
};

const TWO_CARS: RatingInput['policy'] = {
  number: 'P-7',
  startDate: '2026-01-01',
  endDate: '2027-01-01',
  vehicles: [
    { vehicleId: 'car', from: '2026-01-01', to: '2027-01-01' },
    { vehicleId: 'van', from: '2026-01-01', to: '2027-01-01' },
  ],
  facts: [{ from: '2026-01-01', to: '2027-01-01', values: { territory: 'city' } }],
};

/** One car driven so roughly that the cap binds, one so calmly that it gets less; bands begin anew with each bill. */
const habits: Story = {
  name: 'habits',
  tariff: document({
    id: 'habits-il',
    version: '3',
    product: 'phyd',
    jurisdiction: 'US-IL',
    rounding: { mode: 'HALF_UP', places: 4 },
    charges: [
      { kind: 'fixed/1', id: 'base', label: 'Cover', amount: '30.00', per: 'MONTH' },
      {
        kind: 'perKm/1',
        id: 'distance',
        label: 'Kilometres',
        unit: 'km',
        bands: [{ upTo: 400, rate: '0.07' }, { rate: '0.045' }],
        bandsPer: 'PERIOD',
      },
      {
        kind: 'perMeasure/1',
        id: 'phone',
        label: 'Phone in hand',
        measure: 'phoneUse',
        perUnits: 1,
        unit: 'times',
        rate: '0.25',
      },
    ],
    factors: [
      {
        kind: 'relativity/1',
        id: 'territory',
        fact: 'territory',
        table: { city: '1.25', country: '0.9' },
        appliesTo: ['base', 'distance'],
      },
    ],
    behaviour: { ...HABITS, window: { days: 90 } },
    adjustments: [
      { kind: 'fee/1', id: 'fee', label: 'Bill by post', amount: '1.50', per: 'PERIOD' },
    ],
  }),
  policy: TWO_CARS,
  bills: [
    {
      period: { from: '2026-04-01', to: '2026-05-01' },
      exposure: [
        ...rowsOf('car', [
          ['2026-01-15', 90_000, 0, { harshBraking: 99 }],
          ['2026-02-15', 800_000, 200_000, { harshBraking: 40 }],
          ['2026-04-02', 300_000, 100_000, { harshBraking: 9, phoneUse: 3 }],
          ['2026-04-20', 250_000, 0, { harshBraking: 12 }],
        ]),
        ...rowsOf('van', [['2026-04-11', 75_000, 5_000, { harshBraking: 1, phoneUse: 1 }]]),
      ],
      cutOff: '2026-05-02T00:00:00.000Z',
      trips: [],
    },
  ],
};

/** So calm that the floor binds, and so little that the minimum does. */
const calm: Story = {
  name: 'calm',
  tariff: document({
    id: 'calm-il',
    product: 'phyd',
    jurisdiction: 'US-IL',
    charges: [
      { kind: 'perKm/1', id: 'distance', unit: 'km', rate: '0.05', dailyCap: 100, yearlyCap: 250 },
    ],
    behaviour: {
      ...HABITS,
      label: 'Behind the wheel',
      appliesTo: ['distance'],
      window: 'PERIOD',
      floor: '0.95',
    },
    adjustments: [
      { kind: 'minimum/1', id: 'minimum', amount: '8.00' },
      { kind: 'tax/1', id: 'tax', label: 'Premium tax', rate: '0.03' },
    ],
  }),
  policy: { ...TWO_CARS, vehicles: TWO_CARS.vehicles.slice(0, 1) },
  bills: [
    {
      period: { from: '2026-03-01', to: '2026-04-01' },
      exposure: rowsOf('car', [
        ['2026-01-05', 120_000, 0, { harshBraking: 50 }],
        ['2026-03-04', 140_500],
        ['2026-03-05', 80_000],
        ['2026-03-06', 0, 0],
        ['2026-03-07', 9_999],
      ]),
      cutOff: 'an instant that only this insurer writes so',
      trips: [{ tripId: 't-1', revision: 1 }],
    },
  ],
};

const heard = (from: string, to: string): DeviceDays => ({
  vehicleId: 'car',
  from,
  to,
  heard: true,
});
const silent = (from: string, to: string): DeviceDays => ({
  ...heard(from, to),
  heard: false,
});
const JANUARY = rowsOf('car', [
  ['2026-01-02', 30_000],
  ['2026-01-03', 60_500],
  ['2026-01-05', 400_000],
]);
const FEBRUARY = rowsOf('car', [
  ['2026-02-20', 25_000],
  ['2026-03-20', 7_000],
]);

/** Days that were silent: by a mean and by the tariff's figure, then known, and at the end a bill taken back. */
const silence: Story = {
  name: 'silence',
  tariff: document({
    id: 'yen',
    jurisdiction: 'JP',
    currency: 'JPY',
    rounding: { mode: 'HALF_UP', places: 0 },
    charges: [
      { kind: 'fixed/1', id: 'base', amount: '110', per: 'DAY' },
      { kind: 'perKm/1', id: 'distance', unit: 'km', rate: '6.5', dailyCap: 300 },
    ],
    silentDays: {
      kind: 'mean/1',
      source: 'Clause 8.2 of the policy',
      fromDays: 3,
      upToDays: 10,
      windowDays: 14,
      leastHeardDays: 7,
      unit: 'km',
      dailyCap: 200,
      otherwise: '12.5',
    },
    adjustments: [
      { kind: 'fee/1', id: 'fee', label: 'Administration', amount: '1000', per: 'YEAR' },
    ],
  }),
  policy: {
    number: 'P-9',
    startDate: '2026-01-01',
    endDate: '2027-01-01',
    vehicles: [{ vehicleId: 'car', from: '2026-01-01', to: '2026-03-16' }],
    facts: [],
  },
  bills: [
    {
      period: { from: '2026-01-01', to: '2026-02-01' },
      exposure: JANUARY,
      deviceDays: [heard('2026-01-01', '2026-01-11'), silent('2026-01-11', '2026-02-01')],
      cutOff: '2026-02-02T12:00:00.000Z',
      trips: [{ tripId: 'a', revision: 1 }],
    },
    {
      period: { from: '2026-02-01', to: '2026-04-01' },
      exposure: [...JANUARY, ...FEBRUARY],
      deviceDays: [
        heard('2026-01-01', '2026-01-11'),
        silent('2026-01-11', '2026-02-18'),
        heard('2026-02-18', '2026-02-22'),
        silent('2026-02-22', '2026-02-25'),
        heard('2026-02-25', '2026-04-01'),
      ],
      cutOff: '2026-04-02T12:00:00.000Z',
      trips: [],
    },
  ],
  adjustments: [
    {
      exposure: [...JANUARY, ...FEBRUARY, ...rowsOf('car', [['2026-01-12', 44_000]])],
      deviceDays: [
        heard('2026-01-01', '2026-01-15'),
        silent('2026-01-15', '2026-02-18'),
        heard('2026-02-18', '2026-04-01'),
      ],
      cutOff: '2026-05-01T12:00:00.000Z',
      trips: [{ tripId: 'b', revision: 2 }],
    },
    {
      exposure: [...JANUARY.slice(1), ...rowsOf('car', [['2026-01-12', 44_000]]), ...FEBRUARY],
      deviceDays: [heard('2026-01-01', '2026-04-01')],
      cutOff: '2026-06-01T12:00:00.000Z',
      trips: [],
    },
  ],
  credited: 0,
};

export const stories: readonly Story[] = [miles, habits, calm, silence];
