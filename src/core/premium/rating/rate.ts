import { formatDay } from '../../civil.ts';
import { addMonths, readDate } from '../exact/calendar.ts';
import { fieldsOf } from '../exact/csv.ts';
import { fractionOf, floorDivide } from '../exact/fraction.ts';
import type { DeviceDays, ExposureDay, FactRange, Period, RatingInput } from './input.ts';
import { shown, type Fault } from '../exact/fault.ts';
import { quote, type Quoted } from './quote.ts';
import { snapshotOf, type Snapshot } from './snapshot.ts';
import { parseTariffText } from '../tariff/tariff.ts';

/** What a file of trips does not contain. */
export interface RateOptions {
  /** First local date of the policy; that of the first trip's month where absent. */
  readonly policyStart?: string;
  /** Half-open local dates; the policy year up to the last trip if absent. */
  readonly from?: string;
  readonly to?: string;
  /** Rating facts that hold all the time, e.g. territory. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** Half-open local dates of which nothing was heard, of every vehicle; on all others it was. */
  readonly silent?: readonly Period[];
}

/** Columns that are not measures, and metres of one unit of those that are distances. */
const DISTANCE_MM: Readonly<Record<string, number>> = {
  distanceM: 1000,
  distanceKm: 1_000_000,
  distanceMi: 1_609_344,
  nightM: 1000,
  nightKm: 1_000_000,
  nightMi: 1_609_344,
};

/** Metres of a decimal in a unit, rounded down; undefined if it is not a decimal. */
function metresOf(text: string, unitMm: number): number | undefined {
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(text)) return undefined;
  const { n, d } = fractionOf(text);
  return Number(floorDivide(n * BigInt(unitMm), d * 1000n));
}

function exposureRow(
  names: readonly string[],
  line: string,
  path: string,
  problems: Fault[],
): ExposureDay {
  const fields = fieldsOf(line);
  const measures = Object.create(null) as Record<string, number>;
  const row = { vehicleId: 'vehicle', localDate: '', distanceM: 0, nightM: 0, measures };
  const say = (name: string, message: string): void => {
    problems.push({ code: 'BAD_ROW', path: `${path}/${name}`, message });
  };
  if (fields.length !== names.length)
    say('', `has ${fields.length} fields, the heading has ${names.length}`);
  names.forEach((name, i) => {
    const text = fields[i] ?? '';
    const unitMm = Object.hasOwn(DISTANCE_MM, name) ? DISTANCE_MM[name] : undefined;
    if (name === 'vehicleId') row.vehicleId = text;
    else if (name === 'localDate') row.localDate = text;
    else if (unitMm !== undefined) {
      const metres = metresOf(text, unitMm);
      if (metres === undefined) say(name, `${shown(text)} is not a distance such as 12.3`);
      else if (name.startsWith('night')) row.nightM = metres;
      else row.distanceM = metres;
    } else if (/^\d{1,9}$/.test(text)) measures[name] = Number(text);
    else say(name, `${shown(text)} is not a whole number`);
  });
  if (readDate(row.localDate) === undefined)
    say('localDate', `${shown(row.localDate)} is not a date such as 2026-03-31`);
  return row;
}

/** Reads trips or days as CSV: a heading, then a row each; rows of one vehicle and day add up. */
function readTrips(csv: string, problems: Fault[]): ExposureDay[] {
  const lines = csv.split(/\r?\n/);
  const names = fieldsOf(lines[0] ?? '');
  const distances = names.filter((n) => n.startsWith('distance') && Object.hasOwn(DISTANCE_MM, n));
  if (!names.includes('localDate') || distances.length !== 1) {
    const message = `the heading ${shown(lines[0])} needs localDate and one of distanceM, distanceKm and distanceMi; vehicleId, nightM, nightKm, nightMi and measures may follow`;
    problems.push({ code: 'BAD_HEADING', path: '/trips/1', message });
    return [];
  }
  return lines.flatMap((line, i) =>
    i === 0 || line.trim() === '' ? [] : [exposureRow(names, line, `/trips/${i + 1}`, problems)],
  );
}

/** The days of devices up to the end of the period, heard and silent ones alternating. */
function deviceDaysOf(
  vehicleIds: readonly string[],
  silent: readonly Period[],
  known: Period,
): DeviceDays[] {
  const ordered = [...silent].sort((a, b) => (a.from < b.from ? -1 : 1));
  return vehicleIds.flatMap((vehicleId) => {
    const starts = [known.from, ...ordered.map(({ to }) => to)];
    const heard = starts.map((from, i) => {
      const to = ordered[i]?.from ?? known.to;
      return { vehicleId, from, to, heard: true };
    });
    const unheard = ordered.map((days) => ({ vehicleId, ...days, heard: false }));
    return [...heard.filter(({ from, to }) => from < to), ...unheard];
  });
}

function inputOf(exposure: readonly ExposureDay[], options: RateOptions): RatingInput {
  const dates = exposure.map((row) => row.localDate).sort();
  const first = dates[0] ?? '2000-01-01';
  const last = readDate(dates[dates.length - 1] ?? first) ?? 0;
  const startDate = options.policyStart ?? options.from ?? `${first.slice(0, 8)}01`;
  const start = readDate(startDate) ?? 0;
  const to = options.to ?? formatDay(Math.max(last, start) + 1);
  const years = Math.max(1, Math.ceil(((readDate(to) ?? start) - start) / 365));
  const endDate = formatDay(addMonths(start, years * 12));
  const known = { from: startDate, to: endDate, values: options.facts };
  // Given once, they are true of the policy and of its one driver.
  const facts: FactRange[] = [known, { ...known, driverId: 'driver' }];
  const ids = [...new Set(exposure.map((row) => row.vehicleId))].sort();
  const vehicleIds = ids.length > 0 ? ids : ['vehicle'];
  const { silent } = options;
  const listened = { from: first < startDate ? first : startDate, to };
  return {
    period: { from: options.from ?? startDate, to },
    exposure,
    ...(silent === undefined ? {} : { deviceDays: deviceDaysOf(vehicleIds, silent, listened) }),
    policy: {
      number: 'from-file',
      startDate,
      endDate,
      facts,
      vehicles: vehicleIds.map((vehicleId) => ({
        vehicleId,
        from: startDate,
        to: endDate,
      })),
    },
  };
}

export type RatedFile =
  (Extract<Quoted, { ok: true }> & { readonly inputs: Snapshot }) | Extract<Quoted, { ok: false }>;

/** Rates a file of trips by a tariff document, both as text: for a try without a database. */
export function rateTrips(
  tariffText: string,
  csv: string,
  options: RateOptions,
  cutOff: string,
): RatedFile {
  const parsed = parseTariffText(tariffText);
  const problems: Fault[] = parsed.ok ? [] : [...parsed.problems];
  const exposure = readTrips(csv, problems);
  if (!parsed.ok || problems.length > 0) return { ok: false, problems: problems.slice(0, 100) };
  const input = inputOf(exposure, options);
  const quoted = quote(parsed.tariff, input, cutOff);
  return quoted.ok ? { ...quoted, inputs: snapshotOf(input, cutOff) } : quoted;
}
