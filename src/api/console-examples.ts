import type { Role } from './generated/schema.ts';

/** Contents of a console tab: a query for one of the roles, and values for its variables. */
export interface Example {
  readonly name: string;
  readonly role: Role;
  readonly query: string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** The first car of the fleet that `npm start` simulates, and its driver. */
const DEVICE = { deviceId: 'SIM-4-0001' };
const DRIVER = { driverExternalId: 'sim-4-driver-0001' };

/** At least one for each kind of user; the last is shown first. */
export const EXAMPLES: readonly Example[] = [
  {
    name: 'Devices',
    role: 'OPERATOR',
    query: `# For operators: when each device was first and last heard of, and whose it is.
{
  devices(first: 10) {
    nodes {
      deviceId
      firstSeenAt
      lastEventAt
      tenancies { tenant from to }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  },
  {
    name: 'Figures',
    role: 'ACTUARY',
    query: `# For actuaries: every figure stands beside its exposure.
# Without microdata, an actuary sees no group of fewer than 10 drivers.
{
  tripStats(groupBy: [{ by: WEEKDAY }]) {
    rows {
      key { value }
      exposure { trips drivers distanceKm drivingHours }
      distanceKm { mean percentiles(percents: [50, 95]) { percent value } }
      rates { kind count per100Km }
    }
    totals { exposure { trips drivers distanceKm } }
    withheld
  }
}
`,
  },
  {
    name: 'Bills',
    role: 'INSURER',
    query: `# For insurers: what was billed, as the customer reads it.
{
  policies(first: 5) {
    nodes {
      number
      product
      startDate
      endDate
      bills { number total currency text }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  },
  {
    name: 'Live positions',
    role: 'DRIVER',
    query: `# For mobile apps. Where a car is only its own driver sees: choose DRIVER at the top right.
# After a lost connection, send the cursor of the last message as \`after\`, and nothing is missed.
subscription Telemetry($deviceId: String!, $after: Cursor) {
  telemetry(deviceId: $deviceId, after: $after) {
    cursor
    at
    lat
    lon
    speedKmh
  }
}
`,
    variables: DEVICE,
  },
  {
    name: 'Live trip',
    role: 'DRIVER',
    query: `# For mobile apps: the newest state of each trip, whenever it has changed.
subscription Trip($driverExternalId: String!, $after: Cursor) {
  tripUpdates(driverExternalId: $driverExternalId, after: $after) {
    cursor
    trip { id status startedAt distanceKm revision updatedAt }
  }
}
`,
    variables: DRIVER,
  },
  {
    name: 'Scores',
    role: 'INSURER',
    query: `# For front ends: habits and scores with what they rest on.
{
  drivers(first: 10) {
    nodes {
      externalId
      name
      habits(days: 30) {
        distanceKm
        drivingHours
        nightShare
        rates { kind count per100Km low high credibility }
      }
      score { value status parts { metric points reason } version }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  },
  {
    name: 'Trips',
    role: 'INSURER',
    query: `# For front ends: the newest trips. Ctrl+Enter asks. Whose token is sent is chosen at the top right.
{
  trips(first: 10) {
    nodes {
      deviceId
      status
      startedAt
      endedAt
      timeZone
      distanceKm
      distanceSource
      maxSpeedKmh
      events { kind severity at why }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  },
];
