import type { CanonicalEvent } from '../../core/event.ts';
import type { LiveQuery, LiveStore } from '../../store/read/live/connection.ts';
import type {
  TelemetryBatch,
  TelemetryEnd,
  TelemetryEvent,
  TelemetryPlace,
} from '../../store/read/live/telemetry.ts';
import { readTelemetry, readTelemetryEnds } from '../../store/read/live/telemetry.ts';
import type { Reader } from '../../store/read/session.ts';
import type { StreamCursors } from '../cursors.ts';
import type { Lane } from './lane.ts';
import { createLane } from './lane.ts';
import { reaches } from '../reach.ts';
import type { Item, Source, Stream } from '../subscriber.ts';
import { Subscriber } from '../subscriber.ts';

/** One stored event of a device, as a subscriber is sent it. */
export interface TelemetryMessage {
  readonly cursor: string;
  readonly deviceId: string;
  readonly event: CanonicalEvent;
  readonly late: boolean;
  /** Nobody was assigned to the device at the event's time. */
  readonly unassigned: boolean;
}

type Listener = Subscriber<TelemetryPlace, TelemetryMessage>;

/** Subscribers of a device that have seen the same. */
interface Cohort {
  readonly device: FollowedDevice;
  place: TelemetryPlace;
  readonly members: Map<Listener, Reader>;
}

interface FollowedDevice {
  readonly id: string;
  /** Undefined until the device is heard of for the first time. */
  ref: number | undefined;
  readonly cohorts: Set<Cohort>;
}

interface Start {
  readonly deviceId: string;
  resolve(end: TelemetryEnd | undefined): void;
  reject(error: unknown): void;
}

export interface TelemetryFeed {
  readonly lane: Lane;
  /** Where a device's events end now; undefined for a device that was never heard of. */
  end(deviceId: string): Promise<TelemetryEnd | undefined>;
  open(reader: Reader, deviceId: string, place: TelemetryPlace, caughtUp: boolean): Listener;
}

/** Events of one place that one read takes. */
const AT_ONCE = 100;
/** Places that one read looks at. */
const PLACES = 2_000;
const MOST_WAITING = 256;

/**
 * Reads what is new of all devices that are listened to, once for all their subscribers. All cohorts of a device are
 * read by one statement, from one snapshot, so those that have seen everything of it have seen the same and become one.
 *
 * @param alone what subscribers read by that have not caught up yet
 */
export function createTelemetryFeed({
  live,
  alone,
  open,
  cursors,
  now,
  onError,
}: {
  readonly live: LiveStore;
  readonly alone: LiveStore;
  readonly open: Set<Stream>;
  readonly cursors: StreamCursors;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}): TelemetryFeed {
  const devices = new Map<string, FollowedDevice>();
  let starts: Start[] = [];

  const lane = createLane(async () => {
    if (devices.size === 0 && starts.length === 0) return false;
    const answered = starts;
    starts = [];
    try {
      return await live.read(async (query) => {
        await readEnds(query, answered);
        return readNew(query);
      });
    } catch (error) {
      for (const { reject } of answered) reject(error);
      throw error;
    }
  }, onError);

  async function readEnds(query: LiveQuery, answered: readonly Start[]): Promise<void> {
    const unknown = [...devices.values()].filter(({ ref }) => ref === undefined);
    if (answered.length + unknown.length === 0) return;
    const ids = new Set([
      ...answered.map(({ deviceId }) => deviceId),
      ...unknown.map(({ id }) => id),
    ]);
    const ends = await readTelemetryEnds(query, [...ids]);
    for (const device of unknown) device.ref = ends.get(device.id)?.deviceRef;
    for (const { deviceId, resolve } of answered) resolve(ends.get(deviceId));
  }

  async function readNew(query: LiveQuery): Promise<boolean> {
    let more = false;
    let asked: { readonly deviceRef: number; readonly place: TelemetryPlace; cohort: Cohort }[] =
      [];
    const read = async () => {
      const places = asked;
      asked = [];
      for (const [n, batch] of await readTelemetry(query, places, AT_ONCE)) {
        more ||= batch.more;
        deliver(places[n]!.cohort, batch);
      }
      for (const { cohort } of places) if (cohort.device.cohorts.size > 1) unite(cohort.device);
    };
    for (const { ref: deviceRef, cohorts } of devices.values()) {
      if (deviceRef === undefined) continue;
      for (const cohort of cohorts) asked.push({ deviceRef, place: cohort.place, cohort });
      if (asked.length >= PLACES) await read();
    }
    if (asked.length > 0) await read();
    return more;
  }

  function deliver(cohort: Cohort, { events, end }: TelemetryBatch): void {
    const before = cohort.place;
    const items: (Item<TelemetryMessage> | undefined)[] = [];
    for (const [member, reader] of cohort.members) {
      const its = events.flatMap((event, n) =>
        reaches(reader, event.owner)
          ? [(items[n] ??= { message: toMessage(cohort.device.id, event) })]
          : [],
      );
      if (its.length > 0 && !member.push(its, before)) forget(cohort, member);
    }
    cohort.place = end;
  }

  /** Cohorts that were read by one statement, and have seen everything, are at the same place. */
  function unite({ cohorts }: FollowedDevice): void {
    const byPlace = new Map<string, Cohort>();
    for (const cohort of cohorts) {
      const { sec, rest, version, late } = cohort.place;
      if (late) continue;
      const key = `${sec} ${rest} ${version}`;
      const other = byPlace.get(key);
      if (!other) byPlace.set(key, cohort);
      else {
        for (const [member, reader] of cohort.members) other.members.set(member, reader);
        cohorts.delete(cohort);
      }
    }
  }

  function forget(cohort: Cohort, member: Listener): void {
    cohort.members.delete(member);
    if (cohort.members.size > 0) return;
    const { device } = cohort;
    device.cohorts.delete(cohort);
    if (device.cohorts.size === 0) devices.delete(device.id);
  }

  function toMessage(deviceId: string, { event, late, unassigned, place }: TelemetryEvent) {
    const cursor = cursors.ofTelemetry(deviceId, place, now());
    return { cursor, deviceId, event, late, unassigned };
  }

  function sourceFor(reader: Reader, deviceId: string): Source<TelemetryPlace, TelemetryMessage> {
    return {
      mostWaiting: MOST_WAITING,
      read: (place) =>
        alone.read(async (query) => {
          const device = (await readTelemetryEnds(query, [deviceId])).get(deviceId);
          const batch =
            device &&
            (await readTelemetry(query, [{ deviceRef: device.deviceRef, place }], AT_ONCE)).get(0);
          if (!batch) return { items: [], end: place, more: false };
          const reached = batch.events.filter(({ owner }) => reaches(reader, owner));
          const items = reached.map((event) => ({ message: toMessage(deviceId, event) }));
          return { items, end: batch.end, more: batch.more };
        }),
      join: (member, place) => {
        let device = devices.get(deviceId);
        if (!device) {
          device = { id: deviceId, ref: undefined, cohorts: new Set() };
          devices.set(deviceId, device);
        }
        device.cohorts.add({ device, place, members: new Map([[member, reader]]) });
        lane.tick();
      },
      leave: (member) => {
        for (const cohort of devices.get(deviceId)?.cohorts ?? []) {
          if (cohort.members.has(member)) forget(cohort, member);
        }
      },
    };
  }

  return {
    lane,
    end: (deviceId) =>
      new Promise((resolve, reject) => {
        starts.push({ deviceId, resolve, reject });
        lane.tick();
      }),
    open: (reader, deviceId, place, caughtUp) =>
      new Subscriber(sourceFor(reader, deviceId), open, place, caughtUp),
  };
}
