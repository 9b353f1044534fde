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
import type { TripSubject } from '../../store/read/trips.ts';
import { showTelemetry } from '../access/places.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';
import type { Resolvers, TripFilter } from '../generated/schema.ts';
import type { Identity } from '../identity.ts';
import { toReader } from '../identity.ts';
import { toMessage } from './messages.ts';
import { scale } from './positions.ts';
import { previewPremium } from './premiums.ts';
import { toCriteria } from './trips.ts';

const MOST_PER_SECOND = 1_000;

export const live: Resolvers = {
  Subscription: {
    telemetry: {
      subscribe: async (_, { deviceId, ...args }, { services, identity }) =>
        opened(
          await streamTelemetry(services.streams, toReader(identity), deviceId, toOptions(args)),
        ),
      resolve: toMessage,
    },
    tripUpdates: {
      subscribe: (_, args, context) =>
        subscribeTo(tripUpdates, toTripSubject(args, context.identity), args, context),
      resolve: toMessage,
    },
    drivingEventAdded: {
      subscribe: (_, args, context) =>
        subscribeTo(addedDrivingEvents, toSubject(args), args, context),
      resolve: toMessage,
    },
    habitsUpdated: {
      subscribe: (_, { driverExternalId, ...args }, context) =>
        subscribeTo(updatedHabits, { driverExternalId }, args, context),
      resolve: toMessage,
    },
    premiumUpdated: {
      subscribe: (_, { policyNumber, ...args }, context) =>
        subscribeTo(updatedPremiums, { policyNumber }, args, context),
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

/** How the caller wants a stream. */
interface Given {
  readonly after?: string | null | undefined;
  readonly maxPerSecond?: number | null | undefined;
  readonly present?: boolean | null | undefined;
}

function toOptions({ after, maxPerSecond, present }: Given): StreamOptions {
  if (maxPerSecond != null && !(maxPerSecond > 0 && maxPerSecond <= MOST_PER_SECOND)) {
    throw createError(
      'BAD_USER_INPUT',
      `maxPerSecond is ${maxPerSecond}; it must be more than 0 and at most ${MOST_PER_SECOND}.`,
    );
  }
  if (present === true && after != null) {
    throw createError(
      'BAD_USER_INPUT',
      'Give either after or present: with after the stream resumes.',
    );
  }
  return {
    after: after ?? undefined,
    maxPerSecond: maxPerSecond ?? undefined,
    present: present ?? undefined,
  };
}

function toTripSubject(
  {
    filter,
    ...one
  }: Parameters<typeof toSubject>[0] & {
    readonly filter?: TripFilter | null | undefined;
  },
  { role }: Identity,
): TripSubject {
  if (filter == null) return toSubject(one);
  if (one.deviceId != null || one.driverExternalId != null) {
    throw createError(
      'BAD_USER_INPUT',
      'Give filter alone: it has fields for the device and the driver.',
    );
  }
  if (role !== 'INSURER') {
    throw createError('FORBIDDEN', `tripUpdates by filter is not for the role ${role}.`);
  }
  return { tenantWide: toCriteria(filter) };
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
