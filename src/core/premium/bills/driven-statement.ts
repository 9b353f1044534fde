import { formatDay } from '../../civil.ts';
import { estimatesOf, type AdjustmentLine } from './adjustment.ts';
import type { Billed } from './bill.ts';
import {
  add,
  formatScaled,
  fractionOf,
  ratio,
  roundHalfUp,
  zero,
  type Fraction,
} from '../exact/fraction.ts';
import { readDate } from '../exact/calendar.ts';
import type { ExposureDay, RatedPolicy } from '../rating/input.ts';
import { UNIT_MM } from '../kinds/per-km.ts';
import { spellDate, type StatementColumn, type RowGroup, type Section } from './statement.ts';

/** Enough to see every metre. */
const PLACES = 3;

/** A vehicle's day as a statement lists it. */
type ListedDay = Pick<ExposureDay, 'vehicleId' | 'localDate' | 'distanceM' | 'estimated'>;

/** Each silent day with what it is estimated at. */
export function estimatedDays(estimates: NonNullable<AdjustmentLine['estimates']>): ListedDay[] {
  return estimates.flatMap(({ vehicleId, from, days, dailyM }) =>
    Array.from({ length: days }, (_, i) => ({
      vehicleId,
      localDate: formatDay((readDate(from) ?? 0) + i),
      distanceM: dailyM,
      estimated: true,
    })),
  );
}

/** One vehicle's local day, its rows added up. */
export interface DrivenDay {
  readonly vehicleId: string;
  readonly localDate: string;
  readonly distanceM: number;
  readonly estimated: boolean;
}

/** The days of a period with driving, by vehicle and then by date. @param to the day after the last */
export function drivenDays(exposure: readonly ListedDay[], from: string, to: string): DrivenDay[] {
  const days = new Map<string, DrivenDay>();
  for (const { vehicleId, localDate, distanceM, estimated } of exposure) {
    if (localDate < from || localDate >= to || distanceM === 0) continue;
    const key = JSON.stringify([vehicleId, localDate]);
    const known = days.get(key);
    days.set(key, {
      vehicleId,
      localDate,
      distanceM: (known?.distanceM ?? 0) + distanceM,
      estimated: (known?.estimated ?? false) || estimated === true,
    });
  }
  return [...days].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, day]) => day);
}

const spell = (distance: Fraction): string => formatScaled(roundHalfUp(distance, PLACES), PLACES);

/** Metres in km, with three decimals. */
export const spellKm = (distanceM: number): string => spell(ratio(distanceM, 1000));

function isCovered({ vehicles }: RatedPolicy, { localDate, vehicleId }: DrivenDay): boolean {
  return vehicles.some((v) => v.vehicleId === vehicleId && v.from <= localDate && localDate < v.to);
}

/** Groups by vehicle, named where there are several. */
export function byVehicle<Row extends { readonly vehicleId: string }>(
  rows: readonly Row[],
  groupOf: (rows: readonly Row[]) => Required<Pick<RowGroup, 'rows' | 'sums'>>,
): RowGroup[] {
  const vehicles = [...new Set(rows.map((row) => row.vehicleId))];
  return vehicles.map((vehicle) => {
    const { rows: shown, sums } = groupOf(rows.filter((row) => row.vehicleId === vehicle));
    return vehicles.length > 1
      ? { title: `Vehicle ${vehicle}`, sums, rows: shown }
      : { rows: shown };
  });
}

/** The unit of the tariff's price of distance, where it has one. */
function pricedUnit({ premium }: Billed): keyof typeof UNIT_MM | undefined {
  const units = ['km', 'mi'] as const;
  return units.find((unit) => premium.lines.some((line) => line.unit === unit));
}

/** The days with driving, each with the distance driven and billed. */
export function drivenSection(billed: Billed): Section {
  const { premium, inputs } = billed;
  const heading = 'What was driven';
  const exposure = [...inputs.exposure, ...estimatedDays(estimatesOf(premium))];
  const days = drivenDays(exposure, premium.from, premium.to);
  if (days.length === 0) return { heading, sentence: 'Nothing in this period.' };
  const priced = pricedUnit(billed);
  const unit = priced ?? 'km';
  const caps = premium.worksheet.years.flatMap((year) =>
    year.vehicles.flatMap(({ vehicleId, cappedDays }) =>
      cappedDays.map((cap) => ({ vehicleId, ...cap })),
    ),
  );
  const measured = days.map((day) => {
    const cap = caps.find((c) => c.vehicleId === day.vehicleId && c.localDate === day.localDate);
    const covered = isCovered(inputs.policy, day);
    const driven = ratio(day.distanceM * 1000, UNIT_MM[unit]);
    const counted = cap ? fractionOf(cap.billed) : driven;
    const remarks = [
      ...(covered ? [] : ['not covered']),
      ...(cap ? [cap.by === 'DAY' ? 'daily limit' : 'yearly limit'] : []),
      ...(day.estimated ? ['estimated'] : []),
    ];
    return {
      vehicleId: day.vehicleId,
      localDate: day.localDate,
      remark: remarks.join(', '),
      distances: [driven, ...(priced ? [covered ? counted : zero] : [])],
    };
  });
  const sumsOf = (rows: typeof measured): string[] =>
    (rows[0]?.distances ?? []).map((_, i) =>
      spell(rows.reduce((sum, row) => add(sum, row.distances[i] ?? zero), zero)),
    );
  const columns: StatementColumn[] = [
    { title: 'Day' },
    { title: 'Remark' },
    { title: `Driven, ${unit}`, numeric: true },
    ...(priced ? [{ title: `Billed, ${unit}`, numeric: true }] : []),
  ];
  return {
    heading,
    table: {
      caption: 'By the local calendar where the car was. A day without a row had no driving.',
      columns,
      groups: byVehicle(measured, (rows) => ({
        sums: sumsOf([...rows]),
        rows: rows.map((r) => [spellDate(r.localDate), r.remark, ...r.distances.map(spell)]),
      })),
      total: { title: 'Together', sums: sumsOf(measured) },
    },
  };
}
