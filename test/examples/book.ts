import type { Rows } from '../api/rows.ts';

export const PARKING = ['street', 'driveway', 'garage'] as const;

export interface BookTrip {
  readonly day: string;
  readonly hour: number;
  readonly distanceM: number;
  readonly nightM: number;
  readonly brakingGps: number;
  readonly brakingAccelerometer: number;
}

/** A small insurer's year: who it insures, what they drove, claimed and were charged. */
export interface Book {
  readonly tenant: string;
  readonly parking: readonly { readonly fact: string; readonly claims: number }[];
  readonly trips: readonly BookTrip[];
  /** Through which local date, exclusive, everything is known. */
  readonly knownTo: string;
}

const POLICIES = 12;
const TRIPS_EACH = 10;
/** Garage, driveway and street differ in claims, so that a model has something to find. */
const CLAIMS: Readonly<Record<string, readonly number[]>> = {
  street: [2, 3, 1, 2],
  driveway: [1, 0, 1, 1],
  garage: [0, 1, 0, 1],
};

/** Fills a tenant with twelve policies over 2015, ten trips each, claims, and a bill. */
export async function fillBook(rows: Rows, tenant: string): Promise<Book> {
  const ref = await rows.addTenant(tenant);
  const knownTo = '2015-10-01';
  const trips: BookTrip[] = [];
  const parking: { fact: string; claims: number }[] = [];
  await rows.owner.query(
    `insert into sink_offset (topic, partition, next_offset, read_through) values ('telematics', 0, 1, $1)`,
    [`${knownTo}T12:00:00Z`],
  );
  for (let index = 0; index < POLICIES; index++) {
    const driver = await rows.addDriver(ref, `driver ${index}`);
    const vehicle = await rows.addVehicle(ref, `car ${index}`);
    const device = await rows.addDevice(`device ${index}`, ref);
    const assignment = await rows.addAssignment(ref, device, driver, { vehicle });
    const policy = await rows.addPolicy(ref, `P-${index}`, driver, vehicle);
    const fact = PARKING[index % PARKING.length]!;
    const claims = CLAIMS[fact]![Math.floor(index / PARKING.length)]!;
    parking.push({ fact, claims });
    // The first one parks in the street from April on only, and nothing is known of him before.
    await rows.owner.query(
      `insert into policy_fact (tenant_id, policy_id, name, value, from_date, to_date)
       values ($1, $2, 'parking', $3, $4, '2016-01-01')`,
      [ref, policy, JSON.stringify(fact), index === 0 ? '2015-04-01' : '2015-01-01'],
    );
    for (let number = 0; number < claims; number++) {
      await rows.owner.query(
        `insert into claim (tenant_id, number, policy_id, occurred_on, amount, currency) values ($1, $2, $3, $4, $5, 'EUR')`,
        [ref, `C-${index}-${number}`, policy, `2015-0${5 + number}-15`, 500 + 100 * index],
      );
    }
    for (let number = 0; number < TRIPS_EACH; number++) {
      const trip = drawTrip(index, number);
      const measures = {
        'harshBrakingGps.count': trip.brakingGps,
        'harshBrakingAccelerometer.count': trip.brakingAccelerometer,
        'limitKnown.ms': 600_000,
        'speeding.ms': 1_000 * index,
      };
      const id = await rows.addTrip(ref, device, {
        startedAt: `${trip.day}T${String(trip.hour).padStart(2, '0')}:00:00Z`,
        endedAt: `${trip.day}T${String(trip.hour).padStart(2, '0')}:40:00Z`,
        distanceM: trip.distanceM,
        nightM: trip.nightM,
        measures,
        driver,
        vehicle,
        assignment,
      });
      await rows.rollUp(id, measures);
      trips.push(trip);
    }
    if (index === 0) await issueBill(rows, ref, policy);
  }
  return { tenant, parking, trips, knownTo };
}

function drawTrip(driver: number, number: number): BookTrip {
  const step = driver * TRIPS_EACH + number;
  const distanceM = [2_500, 7_900, 14_300, 31_000, 4_200][step % 5]! + 10 * step;
  const atNight = step % 4 === 0;
  return {
    day: `2015-${String(1 + (step % 9)).padStart(2, '0')}-${String(10 + number).padStart(2, '0')}`,
    hour: atNight ? 23 : 8 + (step % 9),
    distanceM,
    nightM: atNight ? distanceM : Math.floor(distanceM / 10),
    brakingGps: (step * 7) % 4,
    brakingAccelerometer: atNight ? 3 : (step * 5) % 3,
  };
}

async function issueBill(rows: Rows, tenant: number, policy: number): Promise<void> {
  const lines = [
    { id: 'base', kind: 'CHARGE', label: 'Base', amount: '30.00' },
    { id: 'parking', kind: 'FACTOR', label: 'Parking', rate: '1.2', amount: '6.00' },
  ];
  await rows.owner.query(
    `insert into bill (tenant_id, policy_id, kind, number, from_date, to_date, product, jurisdiction, currency, total, cut_off, document, hash)
     values ($1, $2, 'BILL', 'B-1', '2015-05-01', '2015-06-01', 'p', 'DE', 'EUR', 36, now(), $3, 'not looked at')`,
    [tenant, policy, JSON.stringify({ premium: { lines } })],
  );
}
