import { readDate } from '../exact/calendar.ts';
import type { DeviceDays, ExposureDay, FactRange, RatingInput } from './input.ts';
import type { CheckedVehicle, Days, VehicleDay } from '../kinds/kind.ts';
import { addMeasures } from '../exact/measures.ts';
import { shown, type Fault } from '../exact/fault.ts';

/** A fact range with its dates read. */
export interface DatedFacts extends Days {
  readonly range: FactRange;
  readonly path: string;
}

/** A rating input with every date read and every row merged by vehicle and day, all in order. */
export interface CheckedInput {
  readonly policy: Days;
  readonly period: Days;
  readonly vehicles: readonly CheckedVehicle[];
  readonly facts: readonly DatedFacts[];
}

/** A vehicle and day cannot hold more than a car can drive, nor a count that sums might not carry. */
const MOST_M = 10_000_000;
const MOST_COUNT = 1_000_000_000;

interface Problems {
  readonly list: Fault[];
  readonly say: (code: string, path: string, message: string) => void;
}

/** Collects problems, a hundred at most: a file of bad rows should not make a book. */
function createProblems(): Problems {
  const list: Fault[] = [];
  return {
    list,
    say: (code, path, message) => {
      if (list.length < 100) list.push({ code, path, message });
    },
  };
}

function readDays(value: { from: string; to: string }, path: string, problems: Problems): Days {
  const from = readDate(value.from);
  const to = readDate(value.to);
  const want = 'is not a date such as 2026-03-31';
  if (from === undefined) problems.say('BAD_DATE', `${path}/from`, `${shown(value.from)} ${want}`);
  if (to === undefined) problems.say('BAD_DATE', `${path}/to`, `${shown(value.to)} ${want}`);
  if (from !== undefined && to !== undefined && from >= to)
    problems.say(
      'EMPTY_RANGE',
      path,
      `${value.from} is not before ${value.to} (to is not included)`,
    );
  return { from: from ?? 0, to: to ?? 0 };
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

/** The path is written only where something is wrong: most rows are right, and there are many. */
function checkRow(row: ExposureDay, i: number, problems: Problems): boolean {
  let good = true;
  const say = (code: string, field: string, message: string): void => {
    good = false;
    problems.say(code, `/exposure/${i}/${field}`, message);
  };
  if (!isCount(row.distanceM, MOST_M))
    say(
      'BAD_DISTANCE',
      'distanceM',
      `${shown(row.distanceM)} is not a whole number of metres from 0 to ${MOST_M}`,
    );
  else if (!isCount(row.nightM, row.distanceM))
    say(
      'BAD_DISTANCE',
      'nightM',
      `${shown(row.nightM)} is not a whole number of metres from 0 to the day's ${row.distanceM}`,
    );
  for (const name in row.measures)
    if (!isCount(row.measures[name], MOST_COUNT))
      say(
        'BAD_MEASURE',
        `measures/${name}`,
        `${shown(row.measures[name])} is not a whole number from 0 to ${MOST_COUNT}`,
      );
  return good;
}

function merge(row: ExposureDay, day: number, into: Map<number, VehicleDay>): void {
  const estimatedM = row.estimated === true ? row.distanceM : 0;
  const known = into.get(day);
  if (known === undefined) {
    const { distanceM, nightM, measures } = row;
    into.set(day, { day, distanceM, nightM, estimatedM, measures });
    return;
  }
  into.set(day, {
    day,
    distanceM: known.distanceM + row.distanceM,
    nightM: known.nightM + row.nightM,
    estimatedM: known.estimatedM + estimatedM,
    measures: addMeasures(known.measures, row.measures),
  });
}

/** The days of each vehicle's devices, in order. */
function readDeviceDays(
  rows: readonly DeviceDays[],
  known: ReadonlyMap<string, unknown>,
  problems: Problems,
): ReadonlyMap<string, CheckedVehicle['deviceDays']> {
  const byVehicle = new Map<string, (Days & { heard: boolean; path: string })[]>();
  rows.forEach((row, i) => {
    const path = `/deviceDays/${i}`;
    if (!known.has(row.vehicleId))
      problems.say(
        'UNKNOWN_VEHICLE',
        path,
        `${shown(row.vehicleId)} is not a vehicle of the policy`,
      );
    const days = { ...readDays(row, path, problems), heard: row.heard, path };
    const others = byVehicle.get(row.vehicleId);
    if (others === undefined) byVehicle.set(row.vehicleId, [days]);
    else others.push(days);
  });
  for (const days of byVehicle.values()) {
    days.sort((a, b) => a.from - b.from);
    days.forEach(({ from, path }, i) => {
      if (from < (days[i - 1]?.to ?? -Infinity))
        problems.say(
          'OVERLAPPING_DAYS',
          path,
          'a day of a vehicle may be listed only once, as heard or as silent',
        );
    });
  }
  return byVehicle;
}

/** Reads and checks all inputs of a premium except its tariff. */
export function checkInput(input: RatingInput): CheckedInput | readonly Fault[] {
  const problems = createProblems();
  const { policy } = input;
  const term = readDays({ from: policy.startDate, to: policy.endDate }, '/policy', problems);
  const period = readDays(input.period, '/period', problems);
  if (problems.list.length === 0 && (period.from < term.from || period.to > term.to))
    problems.say(
      'OUTSIDE_POLICY',
      '/period',
      `${input.period.from} to ${input.period.to} is not within the policy, ${policy.startDate} to ${policy.endDate}`,
    );

  const histories = new Map<string, Map<number, VehicleDay>>();
  const vehicles = policy.vehicles.map((vehicle, i) => {
    if (histories.has(vehicle.vehicleId))
      problems.say(
        'DUPLICATE_VEHICLE',
        `/policy/vehicles/${i}`,
        `${shown(vehicle.vehicleId)} is listed twice`,
      );
    histories.set(vehicle.vehicleId, new Map());
    const cover = readDays(vehicle, `/policy/vehicles/${i}`, problems);
    return { vehicleId: vehicle.vehicleId, cover };
  });
  if (vehicles.length === 0)
    problems.say('NO_VEHICLE', '/policy/vehicles', 'must have at least one vehicle');

  const facts = policy.facts.map((range, i) => {
    const path = `/policy/facts/${i}`;
    if (range.vehicleId !== undefined && !histories.has(range.vehicleId))
      problems.say(
        'UNKNOWN_VEHICLE',
        path,
        `${shown(range.vehicleId)} is not a vehicle of the policy`,
      );
    return { ...readDays(range, path, problems), range, path };
  });

  input.exposure.forEach((row, i) => {
    const day = readDate(row.localDate);
    const history = histories.get(row.vehicleId);
    if (day === undefined) {
      const message = `${shown(row.localDate)} is not a date`;
      problems.say('BAD_DATE', `/exposure/${i}/localDate`, message);
    }
    if (history === undefined) {
      const message = `${shown(row.vehicleId)} is not a vehicle of the policy`;
      problems.say('UNKNOWN_VEHICLE', `/exposure/${i}`, message);
    }
    if (checkRow(row, i, problems) && day !== undefined && history !== undefined)
      merge(row, day, history);
  });
  const deviceDays = readDeviceDays(input.deviceDays ?? [], histories, problems);
  if (problems.list.length > 0) return problems.list;
  return {
    policy: term,
    period,
    facts,
    vehicles: vehicles
      .map(({ vehicleId, cover }) => ({
        vehicleId,
        cover,
        history: [...(histories.get(vehicleId)?.values() ?? [])].sort((a, b) => a.day - b.day),
        deviceDays: deviceDays.get(vehicleId) ?? [],
      }))
      .sort((a, b) => (a.vehicleId < b.vehicleId ? -1 : 1)),
  };
}
