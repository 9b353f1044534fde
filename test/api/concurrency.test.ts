import { beforeAll, expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import type { Claims } from './client.ts';
import { ask } from './client.ts';
import type { Belongings } from './world.ts';
import { fillDriver, fillTenant } from './world.ts';

/** Fewer connections than requests: a request that needs two would wait for one that never comes. */
const { api, rows, startApi } = await useApi({ poolSize: 3 });

let acme: Belongings;
let globex: Belongings;

beforeAll(async () => {
  acme = await fillDriver(api, rows, 'acme', await fillTenant(api, rows, 'acme'), 'ann');
  const other = await fillTenant(api, rows, 'globex');
  globex = await fillDriver(api, rows, 'globex', other, 'guy');
});

const PATHS =
  '{ trips { nodes { id path(purpose: "a claim") { lat } events { kind } driver { externalId } } } }';
const premiumOf = ({ policy }: Belongings) =>
  `{ policy(number: "${policy}") { number } premium(policyNumber: "${policy}", from: "2026-01-01", to: "2026-02-01") { total } }`;

async function askAtOnce(requests: readonly (readonly [Claims, string])[], of = api) {
  const answers = await Promise.all(requests.map(([claims, query]) => ask(of, claims, query)));
  expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
  return answers.map(({ data }) => data as unknown);
}

it('answers ten paths and ten premiums at once, each of which needs a second connection', async () => {
  const paths = await askAtOnce(
    Array.from({ length: 10 }, () => [{ role: 'CLAIMS', tenant: 'acme' }, PATHS]),
  );
  expect(new Set(paths.map((path) => JSON.stringify(path))).size).toBe(1);
  const premiums = await askAtOnce(
    Array.from({ length: 10 }, () => [
      { role: 'DRIVER', tenant: 'acme', driver: acme.driver },
      premiumOf(acme),
    ]),
  );
  for (const premium of premiums) {
    expect(premium).toMatchObject({ premium: { total: expect.any(String) as string } });
  }
});

it('answers 200 requests of mixed shapes and tenants at once, each with its own rows', async () => {
  const shapes: ((whose: Belongings) => readonly [Claims, string])[] = [
    ({ tenant }) => [{ role: 'CLAIMS', tenant }, PATHS],
    (whose) => [{ role: 'DRIVER', tenant: whose.tenant, driver: whose.driver }, premiumOf(whose)],
    ({ tenant }) => [
      { role: 'INSURER', tenant },
      '{ drivers { nodes { externalId habits { distanceKm } score { value } trips { nodes { distanceKm vehicle { externalId } } } policies { number bills { number } } } } }',
    ],
    ({ tenant }) => [
      { role: 'INSURER', tenant },
      '{ policies { nodes { number disputes { reason } } } devices { nodes { deviceId assignments { driver { name } } } } }',
    ],
    ({ tenant }) => [
      { role: 'INSURER', tenant },
      '{ drivingEvents { nodes { kind trip { id driver { externalId } } } } tripStats(groupBy: { by: DRIVER }) { rows { key { value } exposure { trips } } } }',
    ],
    () => [{ role: 'OPERATOR' }, '{ devices { nodes { deviceId tenancies { tenant } } } }'],
  ];
  const requests = Array.from({ length: 200 }, (_, n) => {
    const whose = n % 2 === 0 ? acme : globex;
    return { whose, request: shapes[Math.floor(n / 2) % shapes.length]!(whose) };
  });
  const usual = await startApi();
  const answers = await askAtOnce(
    requests.map(({ request }) => request),
    usual,
  );
  answers.forEach((answer, n) => {
    const { whose, request } = requests[n]!;
    if (request[0].role === 'OPERATOR') return;
    const text = JSON.stringify(answer);
    expect(text).not.toContain(whose === acme ? 'globex' : 'acme');
  });
});
