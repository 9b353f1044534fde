import { explainFlag } from '../../core/habits/why.ts';
import type { DrivingEventPlace, DrivingEventRow } from '../../store/read/driving-events.ts';
import { readDrivingEventPage } from '../../store/read/driving-events.ts';
import { enterMicrodata, narrow } from '../access/figures.ts';
import { showPosition } from '../access/places.ts';
import type {
  DrivingEventKind,
  MeasurementSource,
  Resolvers,
  Severity,
} from '../generated/schema.ts';
import { toGlobalId } from '../ids.ts';
import type { CursorKind } from '../page.ts';
import { toConnection, toPageRequest, underFilter } from '../page.ts';
import { scale, toPosition } from './positions.ts';

const cursor: CursorKind<DrivingEventPlace> = {
  name: 'drivingEvents',
  toParts: ({ deviceRef, atMs, kind, source }) => [deviceRef, atMs, kind, source],
  fromParts: ([deviceRef, atMs, kind, source]) => ({
    deviceRef: Number(deviceRef),
    atMs: Number(atMs),
    kind: String(kind),
    source: String(source),
  }),
};

/** Divisor of a threshold: mm/s² if an acceleration was measured, otherwise 0.01 km/h. */
function unitOf(event: DrivingEventRow): number {
  return event.peakMmps2 === null ? 100 : 1000;
}

export const drivingEvents: Resolvers = {
  Query: {
    drivingEvents: async (_, { filter, ...page }, context) => {
      const criteria = {
        ...(filter?.deviceId == null ? {} : { deviceId: filter.deviceId }),
        ...(filter?.driverExternalId == null ? {} : { driverExternalId: filter.driverExternalId }),
        ...(filter?.kinds == null ? {} : { kinds: filter.kinds }),
        ...(filter?.from == null ? {} : { fromMs: filter.from }),
        ...(filter?.to == null ? {} : { toMs: filter.to }),
      };
      await enterMicrodata(context, 'Query.drivingEvents', criteria);
      const { seal } = context.services;
      const kind = underFilter(cursor, criteria);
      const request = toPageRequest(seal, kind, page);
      const asked = narrow(context.identity, criteria);
      const found = await context.reading.run((tx) => readDrivingEventPage(tx, asked, request));
      return toConnection<DrivingEventRow, DrivingEventPlace>(seal, kind, (event) => event, found);
    },
  },
  DrivingEvent: {
    id: (event) =>
      toGlobalId('DrivingEvent', event.deviceRef, event.atMs, event.kind, event.source),
    kind: (event) => event.kind as DrivingEventKind,
    severity: (event) => event.severity as Severity,
    source: (event) => event.source as MeasurementSource,
    at: (event) => event.atMs,
    endedAt: (event) => event.endedAtMs,
    position: (event, _, context) =>
      showPosition(context, toPosition(event.latE7, event.lonE7), event),
    speedBeforeKmh: (event) => scale(event.speedBeforeCkmh, 100),
    speedAfterKmh: (event) => scale(event.speedAfterCkmh, 100),
    peakMps2: (event) => scale(event.peakMmps2, 1000),
    peakKmh: (event) => scale(event.peakCkmh, 100),
    threshold: (event) => scale(event.threshold, unitOf(event)),
    severityThreshold: (event) => scale(event.severityThreshold, unitOf(event)),
    durationS: (event) => scale(event.durationMs, 1000),
    leastS: (event) => scale(event.leastMs, 1000),
    why: (event) =>
      explainFlag({
        ...event,
        kind: event.kind as DrivingEventKind,
        source: event.source as MeasurementSource,
        severity: event.severity as Severity,
      }),
    trip: (event, _, { loaders }) =>
      loaders.tripByStart.load({
        deviceRef: event.deviceRef,
        startedAtMs: event.tripStartedAtMs,
      }),
  },
};
