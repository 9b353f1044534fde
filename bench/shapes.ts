import type { Target } from './load.ts';
import { post } from './load.ts';

const WINDOW = { from: '2025-06-01', to: '2025-07-01' };

/** A question that apps and reports ask, in everybody's words. */
export interface Shape {
  readonly title: string;
  /** Ours; the others' stand in their folder. */
  readonly query: string;
  /** How ours and theirs name the driver at a place in the order of drivers. */
  readonly ours: (place: number, cursors: readonly string[]) => object;
  readonly theirs: (place: number) => object;
}

export const SHAPES: Readonly<Record<string, Shape>> = {
  q1: {
    title: 'a page of 20 trips with driver and events',
    query: `query Q1($driver: String!) {
      trips(filter: { driverExternalId: $driver }, first: 20) {
        nodes {
          id startedAt endedAt distanceKm durationS maxSpeedKmh movingS fixes bridgedKm nightKm idleS
          driver { name }
          events { kind at speedBeforeKmh speedAfterKmh peakMps2 }
        }
        pageInfo { hasNextPage endCursor }
      }
    }`,
    ours: (place) => ({ driver: `D-${place}` }),
    theirs: (place) => ({ driver: place, n: 20 }),
  },
  q2: {
    title: 'a driver with the habits of 30 days',
    query: `query Q2($driver: String!) {
      driver(externalId: $driver) {
        id externalId name
        habits(from: "${WINDOW.from}", to: "${WINDOW.to}") {
          trips distanceKm drivingHours nightShare idleShare speedingShare
          rates { kind count per100Km low high }
        }
      }
    }`,
    ours: (place) => ({ driver: `D-${place}` }),
    theirs: (place) => ({ driver: place, since: WINDOW.from }),
  },
  q3: {
    title: '50 drivers with the 5 newest trips of each',
    query: `query Q3($after: Cursor) {
      drivers(first: 50, after: $after) {
        nodes { id externalId name trips(first: 5) { nodes { id startedAt distanceKm maxSpeedKmh idleS } } }
      }
    }`,
    ours: (place, cursors) => ({ after: cursors[place % Math.max(1, cursors.length - 50)] }),
    theirs: (place) => ({ after: place, n: 50 }),
  },
  q4: {
    title: 'kilometres and trips by month and group, over all',
    query: `query Q4 {
      tripStats(groupBy: [{ by: MONTH }, { by: VEHICLE_ATTRIBUTE, name: "fuel" }]) {
        rows { key { value } exposure { trips distanceKm } rates { per100Km } }
      }
    }`,
    ours: () => ({}),
    theirs: () => ({}),
  },
};

/** The cursor of each driver, in the order of the list. */
export async function readCursors(target: Pick<Target, 'url' | 'headers'>): Promise<string[]> {
  const cursors: string[] = [];
  const query = `query ($after: Cursor) { drivers(first: 100, after: $after) { edges { cursor } pageInfo { hasNextPage } } }`;
  for (let more = true; more;) {
    const body = JSON.stringify({ query, variables: { after: cursors.at(-1) } });
    const text = await post(undefined, target.url, target.headers, body);
    const answer = JSON.parse(text) as {
      data: { drivers: { edges: { cursor: string }[]; pageInfo: { hasNextPage: boolean } } };
    };
    cursors.push(...answer.data.drivers.edges.map(({ cursor }) => cursor));
    more = answer.data.drivers.pageInfo.hasNextPage;
  }
  return cursors;
}
