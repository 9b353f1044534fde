import type { GraphQLResolveInfo } from 'graphql';
import type { RejectionReason } from '../../core/changes.ts';
import type { TripCriteria, TripKey } from '../../store/read/trips.ts';
import type { TripRow } from '../../store/read/trip-row.ts';
import type { DrivingEventRow } from '../../store/read/driving-events.ts';
import type { ListedTrip } from '../../store/read/trip-pages.ts';
import { readTripPages } from '../../store/read/trip-pages.ts';
import { enterMicrodata, narrow } from '../access/figures.ts';
import { showPath, showPosition } from '../access/places.ts';
import type { Context } from '../context.ts';
import type { Resolvers, TripFilter } from '../generated/schema.ts';
import { toGlobalId } from '../ids.ts';
import type { CursorKind, PageArguments } from '../page.ts';
import { toConnection, toPageRequest, underFilter } from '../page.ts';
import { scale, toPosition } from './positions.ts';
import { selectionOfTrips } from './trip-selection.ts';

function tripCursor(direction: 'ASC' | 'DESC'): CursorKind<TripKey> {
  return {
    name: `trips ${direction}`,
    toParts: ({ startedAtMs, id }) => [startedAtMs, id],
    fromParts: ([startedAtMs, id]) => ({ startedAtMs: Number(startedAtMs), id: Number(id) }),
  };
}

/** A trip filter in the store's terms. */
export function toCriteria(filter: TripFilter | null | undefined): TripCriteria {
  return {
    ...(filter?.deviceId == null ? {} : { deviceId: filter.deviceId }),
    ...(filter?.driverExternalId == null ? {} : { driverExternalId: filter.driverExternalId }),
    ...(filter?.startedFrom == null ? {} : { startedFromMs: filter.startedFrom }),
    ...(filter?.startedTo == null ? {} : { startedToMs: filter.startedTo }),
    ...(filter?.status == null ? {} : { closed: filter.status === 'CLOSED' }),
  };
}

/** Trips of one driver or device, newest first; batched over a list of owners. */
export async function loadOwnedTrips(
  context: Context,
  of: 'driver' | 'device',
  ref: number,
  filter: TripFilter | null | undefined,
  page: PageArguments,
  info: GraphQLResolveInfo,
) {
  const { seal } = context.services;
  const criteria = toCriteria(filter);
  const kind = underFilter(tripCursor('DESC'), criteria);
  const found = await context.loaders.tripPage.load({
    of,
    ref,
    criteria,
    page: toPageRequest(seal, kind, page),
    selection: selectionOfTrips(context, info),
  });
  return toConnection<TripRow, TripKey>(seal, kind, (trip) => trip, found);
}

export const trips: Resolvers = {
  Query: {
    trips: async (_, { filter, orderBy, ...page }, context, info) => {
      const criteria = toCriteria(filter);
      await enterMicrodata(context, 'Query.trips', criteria);
      const { seal } = context.services;
      const direction = orderBy?.direction ?? 'DESC';
      const kind = underFilter(tripCursor(direction), criteria);
      const request = toPageRequest(seal, kind, page);
      const asked = narrow(context.identity, criteria);
      const pages = await context.reading.run((tx) =>
        readTripPages(
          tx,
          { of: 'anybody' },
          asked,
          direction,
          request,
          selectionOfTrips(context, info),
        ),
      );
      const found = pages.get(0) ?? { rows: [], hasNext: false, hasPrevious: false };
      return toConnection<TripRow, TripKey>(seal, kind, (trip) => trip, found);
    },
  },
  Trip: {
    id: (trip) => toGlobalId('Trip', trip.id),
    driver: (trip: ListedTrip, _, { loaders }) =>
      trip.driver !== undefined
        ? trip.driver
        : trip.driverRef === null
          ? null
          : loaders.driver.load(trip.driverRef),
    vehicle: (trip, _, { loaders }) =>
      trip.vehicleRef === null ? null : loaders.vehicle.load(trip.vehicleRef),
    status: (trip) => (trip.closed ? 'CLOSED' : 'OPEN'),
    startedAt: (trip) => trip.startedAtMs,
    endedAt: (trip) => trip.endedAtMs,
    closesAt: (trip) => (trip.gone ? null : trip.silentAtMs),
    // With the ignition off the reason of a trip that is still open is known before its end.
    endReason: (trip) => (trip.closed ? (trip.endReason ?? 'SILENCE') : null) as 'SILENCE' | null,
    distanceKm: (trip) => trip.distanceM / 1000,
    distanceSource: (trip) => trip.distanceSource as 'GPS',
    bridgedKm: (trip) => trip.bridgedM / 1000,
    durationS: (trip) => (trip.endedAtMs - trip.startedAtMs) / 1000,
    movingS: (trip) => trip.movingMs / 1000,
    idleS: (trip) => trip.idleMs / 1000,
    maxSpeedKmh: (trip) => trip.maxSpeedCkmh / 100,
    meanSpeedKmh: ({ movingMs, distanceM }) =>
      // Metres a millisecond are 3,600 km/h.
      movingMs === 0 ? null : Math.round(((distanceM * 3_600) / movingMs) * 100) / 100,
    nightKm: (trip) => trip.nightM / 1000,
    start: (trip, _, context) =>
      showPosition(context, toPosition(trip.startLatE7, trip.startLonE7), {
        deviceRef: trip.deviceRef,
        atMs: trip.startedAtMs,
      }),
    end: (trip, _, context) =>
      showPosition(context, toPosition(trip.endLatE7, trip.endLonE7), {
        deviceRef: trip.deviceRef,
        atMs: trip.endedAtMs,
      }),
    path: async (trip, { purpose }, context) => {
      const points = await showPath(context, trip, purpose ?? null, () =>
        context.loaders.path.load(trip),
      );
      if (points === null) return null;
      return points.flatMap((event) => {
        const position = toPosition(event.latE7 ?? null, event.lonE7 ?? null);
        return position === null
          ? []
          : [
              {
                at: event.atMs,
                ...position,
                speedKmh: scale(event.speedCkmh, 100),
                headingDeg: scale(event.headingDdeg, 10),
                speedLimitKmh: scale(event.speedLimitCkmh, 100),
              },
            ];
      });
    },
    supersededBy: (trip, _, { loaders }) =>
      trip.supersededByRef === null ? null : loaders.trip.load(trip.supersededByRef),
    withdrawn: (trip) => trip.gone && trip.supersededByRef === null,
    rejectedFixes: (trip) =>
      Object.entries(trip.rejectedFixes).map(([reason, count]) => ({
        reason: reason as RejectionReason,
        count,
      })),
    events: (trip: ListedTrip, _, { loaders }) =>
      (trip.events ??
        loaders.drivingEvents.load({
          deviceRef: trip.deviceRef,
          startedAtMs: trip.startedAtMs,
        })) as DrivingEventRow[] | Promise<DrivingEventRow[]>,
    updatedAt: (trip) => trip.updatedAtMs,
  },
};
