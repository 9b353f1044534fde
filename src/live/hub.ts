import type { Logger } from 'pino';
import { listen } from '../store/listen.ts';
import { CHANNEL } from '../store/notify.ts';
import type { LiveStore } from '../store/read/live/connection.ts';
import { openLiveStore } from '../store/read/live/connection.ts';
import type { ChangeFeed } from './feeds/change-feed.ts';
import { createChangeFeed } from './feeds/change-feed.ts';
import type { StreamCursors } from './cursors.ts';
import type { DrivingEventChange } from './feeds/driving-events.ts';
import { drivingEventReads } from './feeds/driving-events.ts';
import type { PolicyChange } from './feeds/policies.ts';
import { policyReads } from './feeds/policies.ts';
import type { Item, Stream } from './subscriber.ts';
import type { TelemetryFeed } from './feeds/telemetry.ts';
import { createTelemetryFeed } from './feeds/telemetry.ts';
import type { TripChange } from './feeds/trips.ts';
import { tripReads } from './feeds/trips.ts';

/** Reads once for all subscribers what is new, and hands it to those whom it concerns. */
export interface Hub {
  readonly telemetry: TelemetryFeed;
  readonly trips: ChangeFeed<TripChange>;
  readonly drivingEvents: ChangeFeed<DrivingEventChange>;
  readonly policies: ChangeFeed<PolicyChange>;
  /** The item that was made of a row under a key, or a new one: subscribers that are sent the same share it. */
  share<Message>(row: object, key: string, make: () => Item<Message>): Item<Message>;
  /** Streams that are not over. */
  readonly open: Set<Stream>;
  /** Whether the listener is connected. */
  isReady(): boolean;
  /** Ends every stream. */
  close(): Promise<void>;
}

/** A wake-up may get lost with its connection: everything is looked up this often anyway. */
const POLL_MS = 1_000;
/** A look for each lane at once. */
const LANES = 4;
/** Subscribers that catch up with telemetry at once. */
const ALONE = 4;
/** What many policies cost is dear to find out, and nobody waits for it. */
const POLICY_PAUSE_MS = 500;

/**
 * Wakes the lanes when something was committed. A notification is only a wake-up: who is concerned is read from the
 * store, so nothing depends on a notification's arrival or content.
 *
 * @param url login of the API
 */
export async function startHub({
  url,
  log,
  cursors,
  now,
}: {
  readonly url: string;
  readonly log: Logger;
  readonly cursors: StreamCursors;
  readonly now: () => number;
}): Promise<Hub> {
  const live = openLiveStore(url, LANES);
  const alone = openLiveStore(url, ALONE);
  const open = new Set<Stream>();
  const feeds = createFeeds({ live, alone, open, cursors, now, log });
  const lanes = Object.values(feeds).map(({ lane }) => lane);
  const tick = () => {
    for (const lane of lanes) lane.tick();
  };

  const listener = await listen(url, CHANNEL, tick);
  const poll = setInterval(tick, POLL_MS);
  const shared = new WeakMap<object, Map<string, Item<unknown>>>();

  return {
    ...feeds,
    open,
    share: (row, key, make) => {
      const items = shared.get(row) ?? new Map<string, Item<unknown>>();
      shared.set(row, items);
      const known = items.get(key) as ReturnType<typeof make> | undefined;
      const item = known ?? make();
      if (!known) items.set(key, item);
      return item;
    },
    isReady: () => listener.isConnected(),
    close: async () => {
      clearInterval(poll);
      for (const stream of open) stream.close();
      await Promise.all(lanes.map((lane) => lane.close()));
      await listener.close();
      await Promise.all([live.close(), alone.close()]);
    },
  };
}

function createFeeds({
  log,
  ...parts
}: {
  readonly live: LiveStore;
  readonly alone: LiveStore;
  readonly open: Set<Stream>;
  readonly cursors: StreamCursors;
  readonly now: () => number;
  readonly log: Logger;
}) {
  const onError = (error: unknown) => log.warn({ err: error }, 'could not look up what changed');
  return {
    telemetry: createTelemetryFeed({ ...parts, onError }),
    trips: createChangeFeed(parts.live, tripReads, onError),
    drivingEvents: createChangeFeed(parts.live, drivingEventReads, onError),
    policies: createChangeFeed(parts.live, policyReads, onError, POLICY_PAUSE_MS),
  };
}
