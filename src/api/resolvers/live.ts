import { addedDrivingEvents } from '../../live/driving-events.ts';
import type { ChangeStream } from '../../live/changes.ts';
import { streamChanges } from '../../live/changes.ts';
import type { CursorFault } from '../../live/cursors.ts';
import type { StreamOptions } from '../../live/streams.ts';
import { streamTelemetry } from '../../live/telemetry.ts';
import { tripUpdates } from '../../live/trips.ts';
import { updatedHabits } from '../../live/habits.ts';
import { updatedPremiums } from '../../live/premiums.ts';
import type { ChangeSubject } from '../../store/read/changes.ts';
import { showTelemetry } from '../access/places.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';
import type { Resolvers } from '../generated/schema.ts';
import { toReader } from '../identity.ts';
import { toMessage } from './messages.ts';
import { scale } from './positions.ts';
import { previewPremium } from './premiums.ts';

export const live: Resolvers = {
  Subscription: {
    telemetry: {
      subscribe: async (_, { deviceId, after }, { services, identity }) =>
        opened(
          await streamTelemetry(
            services.streams,
            toReader(identity),
            deviceId,
            toOptions({ after }),
          ),
        ),
      resolve: toMessage,
    },
    tripUpdates: {
      subscribe: (_, args, context) => subscribeTo(tripUpdates, toSubject(args), args, context),
      resolve: toMessage,
    },
    drivingEventAdded: {
      subscribe: (_, args, context) =>
        subscribeTo(addedDrivingEvents, toSubject(args), args, context),
      resolve: toMessage,
    },
    habitsUpdated: {
      subscribe: (_, { driverExternalId, after }, context) =>
        subscribeTo(updatedHabits, { driverExternalId }, { after }, context),
      resolve: toMessage,
    },
    premiumUpdated: {
      subscribe: (_, { policyNumber, after }, context) =>
        subscribeTo(updatedPremiums, { policyNumber }, { after }, context),
      resolve: toMessage,
    },
  },
  PremiumUpdate: {
    premium: ({ policy }, { from, to }, context) => previewPremium(context, policy, from, to),
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

async function subscribeTo<Of, Change, Row extends object, Message>(
  stream: ChangeStream<Of, Change, Row, Message>,
  of: Of,
  args: Given,
  { services, identity }: Context,
): Promise<AsyncIterableIterator<never>> {
  return opened(
    await streamChanges(stream, services.streams, toReader(identity), of, toOptions(args)),
  );
}

/** The arguments that every subscription has. */
interface Given {
  readonly after?: string | null | undefined;
}

function toOptions({ after }: Given): StreamOptions {
  return { after: after ?? undefined };
}

function toSubject({
  deviceId,
  driverExternalId,
}: {
  readonly deviceId?: string | null | undefined;
  readonly driverExternalId?: string | null | undefined;
}): ChangeSubject {
  const given = { deviceId: deviceId ?? undefined, driver: driverExternalId ?? undefined };
  if (given.deviceId !== undefined && given.driver === undefined)
    return { deviceId: given.deviceId };
  if (given.driver !== undefined && given.deviceId === undefined)
    return { driverExternalId: given.driver };
  throw createError('BAD_USER_INPUT', 'Give exactly one of deviceId and driverExternalId.');
}

function opened<Message>(
  stream: AsyncIterableIterator<Message> | CursorFault,
): AsyncIterableIterator<never> {
  if (stream === 'FOREIGN') {
    throw createError(
      'BAD_USER_INPUT',
      'after is not a cursor of this stream: pass the cursor of its last message back unchanged.',
    );
  }
  if (stream === 'EXPIRED') {
    throw createError(
      'CURSOR_EXPIRED',
      'after is too old, or from a store restored since: read the current state and start without after.',
    );
  }
  return stream as AsyncIterableIterator<never>;
}
