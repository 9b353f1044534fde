import type { CursorFault } from '../../live/cursors.ts';
import { streamTelemetry } from '../../live/telemetry.ts';
import type { TripSubject } from '../../live/trip-updates.ts';
import { streamTripUpdates } from '../../live/trip-updates.ts';
import { showTelemetry } from '../access.ts';
import { createError } from '../errors.ts';
import type { Resolvers } from '../generated/schema.ts';
import { toReader } from '../identity.ts';
import { scale } from './positions.ts';

export const live: Resolvers = {
  Subscription: {
    telemetry: {
      subscribe: async (_, { deviceId, after }, { services, identity }) =>
        opened(
          await streamTelemetry(services.streams, toReader(identity), deviceId, after ?? undefined),
        ),
      resolve: (message: unknown) => message as never,
    },
    tripUpdates: {
      subscribe: async (_, { deviceId, driverExternalId, after }, { services, identity }) =>
        opened(
          await streamTripUpdates(
            services.streams,
            toReader(identity),
            toSubject(deviceId ?? undefined, driverExternalId ?? undefined),
            after ?? undefined,
          ),
        ),
      resolve: (message: unknown) => message as never,
    },
  },
  TelemetryMessage: {
    at: ({ event }) => event.atMs,
    lat: ({ event, unassigned }, _, context) =>
      showTelemetry(context, scale(event.latE7, 1e7), unassigned),
    lon: ({ event, unassigned }, _, context) =>
      showTelemetry(context, scale(event.lonE7, 1e7), unassigned),
    speedKmh: ({ event }) => scale(event.speedCkmh, 100),
    headingDeg: ({ event }) => scale(event.headingDdeg, 10),
    odometerKm: ({ event }) => scale(event.odometerM, 1000),
    ignition: ({ event }) => event.ignition ?? null,
    accelMps2: ({ event }) =>
      event.accelForwardMmps2 === undefined &&
      event.accelLeftMmps2 === undefined &&
      event.accelUpMmps2 === undefined
        ? null
        : {
            forward: scale(event.accelForwardMmps2, 1000),
            left: scale(event.accelLeftMmps2, 1000),
            up: scale(event.accelUpMmps2, 1000),
          },
    speedLimitKmh: ({ event }) => scale(event.speedLimitCkmh, 100),
    phoneInUse: ({ event }) => event.phoneInUse ?? null,
    accuracyM: ({ event }) => scale(event.accuracyDm, 10),
  },
};

function toSubject(
  deviceId: string | undefined,
  driverExternalId: string | undefined,
): TripSubject {
  if (deviceId !== undefined && driverExternalId === undefined) return { deviceId };
  if (driverExternalId !== undefined && deviceId === undefined) return { driverExternalId };
  throw createError('BAD_USER_INPUT', 'Give exactly one of deviceId and driverExternalId.');
}

function opened<Message>(
  stream: AsyncIterableIterator<Message> | CursorFault,
): AsyncIterableIterator<never> {
  if (stream === 'FOREIGN') {
    throw createError(
      'BAD_USER_INPUT',
      'after is no cursor of this stream: give back the cursor of its last message, unchanged.',
    );
  }
  if (stream === 'EXPIRED') {
    throw createError(
      'CURSOR_EXPIRED',
      'after is too old, or of a store restored since: read the current state and begin without after.',
    );
  }
  return stream as AsyncIterableIterator<never>;
}
