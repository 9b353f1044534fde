import type { FieldNode, GraphQLResolveInfo } from 'graphql';
import type { DrivingEventRow } from '../../store/read/driving-events.ts';
import { EVENT_COLUMNS, selectEvents } from '../../store/read/driving-events.ts';
import type { TripSelection } from '../../store/read/trip-columns.ts';
import type { TripRow } from '../../store/read/trip-row.ts';
import { mayAsk } from '../access/roles.ts';
import type { Context } from '../context.ts';
import type { DrivingEvent, Trip } from '../generated/schema.ts';
import { fieldsBelow, fieldsOfItems } from '../selection.ts';

/** The columns that each field of a trip is made of. */
const OF_TRIP: Readonly<Record<Exclude<keyof Trip, '__typename'>, readonly (keyof TripRow)[]>> = {
  id: ['id'],
  deviceId: ['deviceId'],
  driver: ['driverRef'],
  vehicle: ['vehicleRef'],
  status: ['closed'],
  startedAt: ['startedAtMs'],
  endedAt: ['endedAtMs'],
  closesAt: ['gone', 'silentAtMs'],
  endReason: ['endReason', 'closed'],
  localDate: ['localDate'],
  timeZone: ['timeZone'],
  distanceKm: ['distanceM'],
  distanceSource: ['distanceSource'],
  bridgedKm: ['bridgedM'],
  durationS: ['startedAtMs', 'endedAtMs'],
  movingS: ['movingMs'],
  idleS: ['idleMs'],
  maxSpeedKmh: ['maxSpeedCkmh'],
  meanSpeedKmh: ['movingMs', 'distanceM'],
  nightKm: ['nightM'],
  fixes: ['fixes'],
  start: ['startLatE7', 'startLonE7', 'deviceRef', 'startedAtMs'],
  end: ['endLatE7', 'endLonE7', 'deviceRef', 'endedAtMs'],
  path: ['deviceRef', 'startedAtMs', 'anchorSec', 'anchorRest', 'lastSec', 'lastRest'],
  revision: ['revision'],
  supersededBy: ['supersededByRef'],
  withdrawn: ['gone', 'supersededByRef'],
  rejectedFixes: ['rejectedFixes'],
  rulesVersion: ['rulesVersion'],
  events: ['deviceRef', 'startedAtMs'],
  updatedAt: ['updatedAtMs'],
};

/** The columns that each field of a driving event is made of. */
const OF_EVENT: Readonly<
  Record<Exclude<keyof DrivingEvent, '__typename'>, readonly (keyof DrivingEventRow)[] | 'all'>
> = {
  id: ['deviceRef', 'atMs', 'kind', 'source'],
  kind: ['kind'],
  severity: ['severity'],
  at: ['atMs'],
  endedAt: ['endedAtMs'],
  position: ['latE7', 'lonE7', 'deviceRef', 'atMs'],
  speedBeforeKmh: ['speedBeforeCkmh'],
  speedAfterKmh: ['speedAfterCkmh'],
  peakMps2: ['peakMmps2'],
  peakKmh: ['peakCkmh'],
  threshold: ['threshold', 'peakMmps2'],
  severityThreshold: ['severityThreshold', 'peakMmps2'],
  durationS: ['durationMs'],
  leastS: ['leastMs'],
  why: 'all',
  source: ['source'],
  localDate: ['localDate'],
  rulesVersion: ['rulesVersion'],
  trip: ['deviceRef', 'tripStartedAtMs'],
};

const known = new WeakMap<FieldNode, Map<string, TripSelection>>();
let selections = 0;

/** What to read for a connection of trips: what is selected and the caller may see. Found once a document and role. */
export function selectionOfTrips(context: Context, info: GraphQLResolveInfo): TripSelection {
  const [node, ...others] = info.fieldNodes;
  const { role } = context.identity;
  // Nodes that were merged belong to one operation, their first node perhaps to several.
  if (node === undefined || others.length > 0) return findSelection(context, info);
  let byRole = known.get(node);
  if (!byRole) {
    byRole = new Map<string, TripSelection>();
    known.set(node, byRole);
  }
  let selection = byRole.get(role);
  if (!selection) byRole.set(role, (selection = findSelection(context, info)));
  return selection;
}

function findSelection({ identity }: Context, info: GraphQLResolveInfo): TripSelection {
  const fields = fieldsOfItems(info.fieldNodes, info.fragments);
  const names = [...fields.keys()].filter(
    (name): name is keyof typeof OF_TRIP => name in OF_TRIP && mayAsk(identity, `Trip.${name}`),
  );
  const events = fields.get('events');
  return {
    key: String(++selections),
    columns: new Set(['id', 'startedAtMs', ...names.flatMap((name) => OF_TRIP[name])]),
    withDriver: names.includes('driver'),
    events: events && selectEvents(columnsOfEvents(events, info)),
  };
}

function columnsOfEvents(
  events: readonly FieldNode[],
  { fragments }: GraphQLResolveInfo,
): ReadonlySet<keyof DrivingEventRow> {
  const needed = [...fieldsBelow(events, fragments).keys()].flatMap((name) =>
    name in OF_EVENT ? OF_EVENT[name as keyof typeof OF_EVENT] : [],
  );
  return new Set(['kind', ...needed.flatMap((name) => (name === 'all' ? EVENT_COLUMNS : [name]))]);
}
