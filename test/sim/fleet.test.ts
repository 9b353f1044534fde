import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTariff } from '../../src/core/premium/tariff/tariff.ts';
import { locate } from '../../src/sim/cities.ts';
import { dateOf, dayNumber, dayStartMs, planDay } from '../../src/sim/day.ts';
import type { Car } from '../../src/sim/fleet.ts';
import { createFleet } from '../../src/sim/fleet.ts';
import type { Moment } from '../../src/sim/journey.ts';
import { journey, trueTrips } from '../../src/sim/journey.ts';
import { driveDay } from '../../src/sim/report.ts';
import { createRandom } from '../../src/sim/random.ts';
import { tariffDocument } from '../../src/sim/tariff.ts';
import { loadZones } from '../../src/zones.ts';

const zones = loadZones();
const LONG = process.env['ODOGRAPH_LONG'] === '1';
const NUM_RUNS = LONG ? 1_000 : 25;

const carAndDay = fc.record({
  seed: fc.nat(),
  index: fc.nat(39),
  day: fc.integer({ min: dayNumber('2015-01-01'), max: dayNumber('2030-12-31') }),
});

function carOf({ seed, index }: { seed: number; index: number }): Car {
  return createFleet({ seed, cars: index + 1 })[index] as Car;
}

type Instant = Pick<Moment, 'atMs' | 'xM' | 'yM' | 'speedMps'>;

function whyImpossible(before: Instant, moment: Moment): string | undefined {
  const seconds = (moment.atMs - before.atMs) / 1000;
  const change = moment.speedMps - before.speedMps;
  const [xM, yM] = [moment.xM - before.xM, moment.yM - before.yM];
  // The stop at a kerb may lie within two metres of the place.
  const mostM = Math.max(moment.speedMps, before.speedMps) * seconds + 2.1;
  if (!(seconds > 0)) return 'time stands still';
  if (moment.engine === 'on' ? moment.speedMps !== 0 : seconds !== 1) return 'no second a second';
  if (Math.sqrt(xM * xM + yM * yM) > mostM) return 'a leap';
  if (moment.engine !== 'on' && (change < -6 || change > 4)) return 'too strong';
  if (moment.speedMps * 3.6 > 190 || Math.abs(moment.leftMps2) > 5) return 'too fast';
  return undefined;
}

describe('a fleet', () => {
  it('is the same for the same seed, car by car, at any size', () => {
    expect(createFleet({ seed: 7, cars: 5 })).toEqual(
      createFleet({ seed: 7, cars: 50 }).slice(0, 5),
    );
    expect(createFleet({ seed: 8, cars: 5 })).not.toEqual(createFleet({ seed: 7, cars: 5 }));
  });

  it('has some of everything in its first twenty cars', () => {
    const fleet = createFleet({ seed: 42, cars: 20 });
    expect(new Set(fleet.map((car) => car.city.name)).size).toBe(5);
    expect(new Set(fleet.map((car) => car.profile)).size).toBe(5);
    expect(new Set(fleet.map((car) => car.style.name)).size).toBe(3);
    expect(new Set(fleet.map((car) => car.device.parked)).size).toBe(3);
    expect(new Set(fleet.map((car) => car.device.format)).size).toBe(2);
    expect(new Set(fleet.map((car) => car.deviceId)).size).toBe(20);
  });

  it('has a tariff without a problem for each of its jurisdictions', () => {
    for (const car of createFleet({ seed: 42, cars: 20 })) {
      expect(parseTariff(tariffDocument(car.city))).toMatchObject({ ok: true });
    }
  });

  it('draws evenly', () => {
    const random = createRandom('even');
    const counts = Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) {
      const cell = random.below(10);
      counts[cell] = (counts[cell] as number) + 1;
    }
    // Six standard deviations of a binomial with n = 100,000 and p = 0.1.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(570);
  });
});

describe('a day', () => {
  it('has the same bytes each time', () => {
    fc.assert(
      fc.property(carAndDay, (lot) => {
        const once = JSON.stringify([...driveDay(carOf(lot), dateOf(lot.day), zones, 0)]);
        expect(JSON.stringify([...driveDay(carOf(lot), dateOf(lot.day), zones, 0)])).toBe(once);
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('is physically possible: no jump in position, speed or time, and it ends at home', () => {
    fc.assert(
      fc.property(carAndDay, (lot) => {
        const car = carOf(lot);
        let before: Instant = {
          atMs: dayStartMs(car, lot.day, zones),
          ...car.home,
          speedMps: 0,
        };
        for (const moment of journey(car, lot.day, zones, 0)) {
          const wrong = whyImpossible(before, moment);
          if (wrong !== undefined)
            throw new Error(`${wrong}: ${JSON.stringify({ before, moment })}`);
          before = moment;
        }
        expect(before.atMs).toBeLessThan(dayStartMs(car, lot.day + 1, zones));
        expect(before.xM).toBeCloseTo(car.home.xM, 3);
        expect(before.yM).toBeCloseTo(car.home.yM, 3);
      }),
      { numRuns: NUM_RUNS * 4 },
    );
  });

  it('stays in its city’s time zone, so that local days are what the plan says', () => {
    fc.assert(
      fc.property(carAndDay, (lot) => {
        const car = carOf(lot);
        for (const { route } of planDay(car, lot.day)) {
          for (const { xM, yM } of route.elements) {
            const { latDeg, lonDeg } = locate(car.city, xM, yM, 0, 0);
            const zone = zones.zoneAt(Math.round(latDeg * 1e7), Math.round(lonDeg * 1e7));
            if (zone !== car.city.zone) throw new Error(`${latDeg}, ${lonDeg} is in ${zone}`);
          }
        }
      }),
      { numRuns: NUM_RUNS * 4 },
    );
  });

  it('is in order, each report at its own instant', () => {
    fc.assert(
      fc.property(carAndDay, (lot) => {
        const instants = [...driveDay(carOf(lot), dateOf(lot.day), zones, 0)].map((r) => r.atMs);
        expect(instants.filter((atMs, i) => atMs <= (instants[i - 1] ?? 0))).toEqual([]);
      }),
      { numRuns: NUM_RUNS },
    );
  });
});

describe('a year', () => {
  it('has realistic distances and trip counts', () => {
    const fleet = createFleet({ seed: 42, cars: 20 });
    const days = LONG ? 364 : 28;
    const figures = { trips: 0, km: 0, hours: 0, idleHours: 0, nightTrips: 0, hard: 0 };
    const hardPer100Km: Record<string, { km: number; hard: number }> = {};
    const first = dayNumber('2026-01-05');
    for (const car of fleet) {
      const style = (hardPer100Km[car.style.name] ??= { km: 0, hard: 0 });
      for (let day = first; day < first + days; day++) {
        for (const trip of trueTrips(car, dateOf(day), zones)) {
          figures.trips += 1;
          figures.km += trip.distanceM / 1000;
          figures.hours += (trip.engineOffMs - trip.engineOnMs) / 3_600_000;
          figures.idleHours += trip.idleMs / 3_600_000;
          figures.hard += trip.hardManoeuvres;
          style.km += trip.distanceM / 1000;
          style.hard += trip.hardManoeuvres;
          const local = trip.engineOnMs + zones.offsetMsAt(car.city.zone, trip.engineOnMs);
          const hour = Math.floor(local / 3_600_000) % 24;
          if (hour >= 22 || hour < 4) figures.nightTrips += 1;
        }
      }
    }
    const said = {
      kmACarAndYear: Math.round((figures.km / fleet.length / days) * 365),
      tripsACarAndDay: figures.trips / fleet.length / days,
      kmATrip: figures.km / figures.trips,
      kmh: figures.km / figures.hours,
      idleShare: figures.idleHours / figures.hours,
      nightShareOfTrips: figures.nightTrips / figures.trips,
      hardPer100Km: Object.fromEntries(
        Object.entries(hardPer100Km).map(([name, { km, hard }]) => [name, (hard / km) * 100]),
      ) as Record<string, number>,
    };
    console.log(said);
    expect(said.kmACarAndYear).toBeGreaterThan(7_000);
    expect(said.kmACarAndYear).toBeLessThan(20_000);
    expect(said.tripsACarAndDay).toBeGreaterThan(2);
    // Taxis and couriers, six in twenty, make some twenty trips a working day.
    expect(said.tripsACarAndDay).toBeLessThan(9);
    expect(said.kmh).toBeGreaterThan(22);
    expect(said.kmh).toBeLessThan(50);
    expect(said.idleShare).toBeGreaterThan(0.1);
    expect(said.idleShare).toBeLessThan(0.4);
    expect(said.nightShareOfTrips).toBeGreaterThan(0.01);
    expect(said.nightShareOfTrips).toBeLessThan(0.15);
    expect(said.hardPer100Km['aggressive'] ?? 0).toBeGreaterThan(
      4 * (said.hardPer100Km['calm'] ?? Infinity),
    );
  });
});
