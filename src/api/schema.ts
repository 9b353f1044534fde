import { readFileSync } from 'node:fs';
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLSchema } from 'graphql';
import { guardSchema } from './access/roles.ts';
import { federationTypes, toSubgraph } from './federation.ts';
import { billCommands } from './resolvers/bill-commands.ts';
import { bills } from './resolvers/bills.ts';
import { deviceCommands } from './resolvers/device-commands.ts';
import { devices } from './resolvers/devices.ts';
import { driverCommands } from './resolvers/driver-commands.ts';
import { drivers } from './resolvers/drivers.ts';
import { drivingEvents } from './resolvers/driving-events.ts';
import { createFederation } from './resolvers/federation.ts';
import { habits } from './resolvers/habits.ts';
import { live } from './resolvers/live.ts';
import { policies } from './resolvers/policies.ts';
import { policyCommands } from './resolvers/policy-commands.ts';
import { premiums } from './resolvers/premiums.ts';
import { tariffCommands } from './resolvers/tariff-commands.ts';
import { tariffs } from './resolvers/tariffs.ts';
import { tripStats } from './resolvers/trip-stats.ts';
import { trips } from './resolvers/trips.ts';
import { viewer } from './resolvers/viewer.ts';
import { whatIf } from './resolvers/what-if.ts';
import { scalars } from './scalars.ts';

/**
 * The schema of schema.graphql with its resolvers, plus the federation subgraph, guarded by the access
 * rules.
 */
export function createSchema(): GraphQLSchema {
  const text = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');
  return guardSchema(
    makeExecutableSchema({
      typeDefs: [text, federationTypes],
      resolvers: [
        driverCommands,
        deviceCommands,
        tariffCommands,
        scalars,
        viewer,
        trips,
        tripStats,
        drivingEvents,
        devices,
        drivers,
        habits,
        policies,
        policyCommands,
        premiums,
        bills,
        billCommands,
        tariffs,
        whatIf,
        live,
        createFederation(toSubgraph(text)),
      ],
    }),
  );
}
