import type { Claims } from './client.ts';
import type { ListCase } from './list-questions.ts';
import { PORTFOLIO } from './portfolio.ts';

const { large, small } = PORTFOLIO;
const insurer: Claims = { role: 'INSURER', tenant: large };
const smallInsurer: Claims = { role: 'INSURER', tenant: small };
const operator: Claims = { role: 'OPERATOR' };
const claims: Claims = { role: 'CLAIMS', tenant: large };
const actuary: Claims = { role: 'ACTUARY', tenant: large, microdata: true };
const driver: Claims = { role: 'DRIVER', tenant: large, driver: PORTFOLIO.driver };
const busyDriver: Claims = { role: 'DRIVER', tenant: large, driver: PORTFOLIO.busyDriver };
const smallDriver: Claims = { role: 'DRIVER', tenant: small, driver: PORTFOLIO.smallDriver };

/** A window in the middle of the portfolio's time. */
const FROM = ['"2025-09-01T00:00:00Z"'];
const TO = ['"2025-11-01T00:00:00Z"'];
const STATUS = ['OPEN', 'CLOSED'];
const KINDS = ['[HARSH_BRAKING]', '[PHONE_USE]', '[SPEEDING]', '[SPEEDING, HARSH_CORNERING]'];
const names = (device: string, driverExternalId: string) => ({
  deviceId: [`"${device}"`],
  driverExternalId: [`"${driverExternalId}"`],
});
const someone = names(PORTFOLIO.device, PORTFOLIO.driver);
const busy = names(PORTFOLIO.busyDevice, PORTFOLIO.busyDriver);
const smallOne = names(PORTFOLIO.smallDevice, PORTFOLIO.smallDriver);
const nobody = names('nothing', 'nobody');

/** The caller, and the driver in the query. */
const ASKERS: readonly (readonly [Claims, ListCase['filter']])[] = [
  [insurer, someone],
  [insurer, busy],
  [insurer, nobody],
  [smallInsurer, smallOne],
  [operator, someone],
  [actuary, {}],
  [driver, someone],
  [busyDriver, busy],
  [smallDriver, smallOne],
];

export const LIST_CASES: readonly ListCase[] = [
  ...ASKERS.flatMap(([asker, whose]) => [
    {
      coordinate: 'Query.trips',
      around: '…',
      claims: asker,
      filter: { startedFrom: FROM, startedTo: TO, status: STATUS, ...whose },
    },
    {
      coordinate: 'Query.drivingEvents',
      around: '…',
      claims: asker,
      filter: { from: FROM, to: TO, kinds: KINDS, ...whose },
    },
  ]),
  ...Object.entries({
    drivers: [insurer, smallInsurer],
    devices: [insurer, smallInsurer, operator, driver, smallDriver],
    policies: [insurer, smallInsurer, driver, smallDriver],
    tariffs: [insurer, actuary],
  }).flatMap(([field, askers]) =>
    askers.map((asker) => ({
      coordinate: `Query.${field}`,
      around: '…',
      claims: asker,
      filter: {},
    })),
  ),
  ...[insurer, driver, busyDriver].flatMap((asker) =>
    [PORTFOLIO.driver, PORTFOLIO.busyDriver].map((externalId) => ({
      coordinate: 'Driver.trips',
      around: `driver(externalId: "${externalId}") { … }`,
      claims: asker,
      filter: { startedFrom: FROM, startedTo: TO, status: STATUS },
    })),
  ),
  ...[insurer, smallInsurer].map((asker) => ({
    coordinate: 'Driver.trips',
    around: 'drivers(first: 20) { nodes { … } }',
    claims: asker,
    filter: { startedFrom: FROM, startedTo: TO, status: STATUS },
  })),
  ...[insurer, operator, driver, claims].flatMap((asker) =>
    [PORTFOLIO.device, PORTFOLIO.busyDevice].map((deviceId) => ({
      coordinate: 'Device.trips',
      around: `device(deviceId: "${deviceId}") { … }`,
      claims: asker,
      filter: {},
    })),
  ),
  ...[insurer, operator].map((asker) => ({
    coordinate: 'Device.trips',
    around: 'devices(first: 20) { nodes { … } }',
    claims: asker,
    filter: {},
  })),
];
