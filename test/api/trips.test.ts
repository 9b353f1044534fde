import { beforeAll, describe, expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import { ask } from './client.ts';

const INSURER = { role: 'INSURER', tenant: 'acme' } as const;

const { api, rows } = await useApi();

beforeAll(async () => {
  const tenant = await rows.addTenant('acme');
  const device = await rows.addDevice('ID-1', tenant);
  for (let day = 1; day <= 9; day++) {
    await rows.addTrip(tenant, device, {
      startedAt: `2015-05-0${day}T08:00:00Z`,
      endedAt: `2015-05-0${day}T08:30:00Z`,
      distanceM: day * 1000,
    });
  }
});

describe('trips', () => {
  it('returns the newest trips of a device, in the units that field names state', async () => {
    const answer = await ask(
      api,
      INSURER,
      `{ trips(filter: { deviceId: "ID-1" }, first: 2) {
        edges { cursor node { deviceId status startedAt localDate distanceKm durationS meanSpeedKmh endReason rejectedFixes { reason count } } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
    );
    expect(answer.errors).toEqual([]);
    const { edges, pageInfo } = answer.data.trips;
    expect(edges.map((edge: { node: unknown }) => edge.node)).toEqual([
      {
        deviceId: 'ID-1',
        status: 'CLOSED',
        startedAt: '2015-05-09T08:00:00.000Z',
        localDate: '2015-05-09',
        distanceKm: 9,
        durationS: 1800,
        meanSpeedKmh: 18,
        endReason: 'SILENCE',
        rejectedFixes: [{ reason: 'JUMP', count: 2 }],
      },
      expect.objectContaining({ distanceKm: 8 }),
    ]);
    expect(pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: edges[0].cursor,
      endCursor: edges[1].cursor,
    });
  });
});
