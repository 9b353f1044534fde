import postgres from 'postgres';
import type { Logger } from 'pino';
import { CHANNEL } from '../store/notify.ts';
import type { Store } from '../store/open.ts';
import { readRepricedPolicies, readTouched, readVersions } from '../store/read/changes.ts';
import { openReading } from '../store/read/reading.ts';

/** What a subscriber wants to hear of. */
export type Interest =
  | { readonly of: 'telemetry'; readonly deviceId: string }
  | { readonly of: 'tripsOfDevice'; readonly deviceId: string }
  | {
      readonly of: 'tripsOfDriver';
      readonly tenant: string | null;
      readonly driverExternalId: string;
    }
  | { readonly of: 'premium'; readonly tenant: string | null; readonly policyNumber: string };

/** One subscriber's ear. It holds no messages: a wake-up only says that reading is worth while. */
export interface Watch {
  /** Waits for a wake-up since the last call; false once the watch is closed. */
  next(): Promise<boolean>;
  close(): void;
}

export interface Hub {
  watch(interest: Interest): Watch;
  /** Whether the listener is connected. */
  isReady(): boolean;
  close(): Promise<void>;
}

interface Watcher {
  readonly interest: Interest;
  readonly wake: () => void;
  readonly close: () => void;
}

type WatcherOf<Of extends Interest['of']> = Watcher & {
  readonly interest: Extract<Interest, { readonly of: Of }>;
};

/** A wake-up may get lost with its connection: everything is looked up this often anyway. */
const POLL_MS = 1_000;

/**
 * Tells subscribers when the store has something for them. A notification is only a wake-up: who is
 * concerned is read from the store, so nothing depends on a notification's arrival or content.
 *
 * @param url login of the API, for the listening connection
 */
export async function startHub({
  store,
  url,
  log,
}: {
  store: Store;
  url: string;
  log: Logger;
}): Promise<Hub> {
  const watchers = new Set<Watcher>();
  const versions = new Map<string, bigint>();
  let horizon: string | undefined;
  let busy: Promise<void> | undefined;
  let again = false;
  let closed = false;
  let ready = false;

  const look = async (): Promise<void> => {
    const telemetry = interestedIn('telemetry');
    if (telemetry.length > 0) {
      const devices = telemetry.map(({ interest }) => interest.deviceId);
      const found = await readVersions(store, [...new Set(devices)]);
      for (const { interest, wake } of telemetry) {
        const version = found.get(interest.deviceId);
        if (version !== undefined && version !== versions.get(interest.deviceId)) wake();
      }
      versions.clear();
      for (const [device, version] of found) versions.set(device, version);
    }
    const ofDevices = interestedIn('tripsOfDevice');
    const ofDrivers = interestedIn('tripsOfDriver');
    const ofPolicies = interestedIn('premium');
    if (ofDevices.length + ofDrivers.length + ofPolicies.length === 0) {
      horizon = undefined;
      return;
    }
    const since = horizon;
    const touched = await readTouched(store, since);
    horizon = touched.horizon;
    if (since === undefined) {
      for (const { wake } of [...ofDevices, ...ofDrivers, ...ofPolicies]) wake();
      return;
    }
    for (const { interest, wake } of ofDevices) {
      if (touched.trips.some(({ deviceId }) => deviceId === interest.deviceId)) wake();
    }
    for (const { interest, wake } of ofDrivers) {
      const { tenant, driverExternalId } = interest;
      const isHis = (trip: (typeof touched.trips)[number]) =>
        trip.driverExternalId === driverExternalId && trip.tenant === tenant;
      if (touched.trips.some(isHis)) wake();
    }
    await wakeRepriced(ofPolicies, since);
  };

  const interestedIn = <Of extends Interest['of']>(of: Of): WatcherOf<Of>[] =>
    [...watchers].filter((watcher): watcher is WatcherOf<Of> => watcher.interest.of === of);

  /** A tenant's policies are asked for all at once, behind its walls. */
  const wakeRepriced = async (ofPolicies: readonly WatcherOf<'premium'>[], since: string) => {
    for (const tenant of new Set(ofPolicies.map(({ interest }) => interest.tenant))) {
      const its = ofPolicies.filter(({ interest }) => interest.tenant === tenant);
      const numbers = [...new Set(its.map(({ interest }) => interest.policyNumber))];
      const reading = openReading(
        store,
        { operator: false, tenant, driver: null },
        { snapshot: false },
      );
      try {
        const repriced = await reading.run((tx) =>
          readRepricedPolicies(tx, numbers, { xid: since }),
        );
        for (const { interest, wake } of its) {
          if (repriced.rows.includes(interest.policyNumber)) wake();
        }
      } finally {
        await reading.end();
      }
    }
  };

  const tick = (): void => {
    if (closed || watchers.size === 0) return;
    if (busy) {
      again = true;
      return;
    }
    busy = look()
      .catch((error: unknown) => log.warn({ err: error }, 'could not look up what changed'))
      .finally(() => {
        busy = undefined;
        if (again) {
          again = false;
          tick();
        }
      });
  };

  const listener = postgres(url, {
    max: 1,
    onnotice: () => undefined,
    connection: { application_name: 'odograph api listener' },
  });
  await listener.listen(CHANNEL, tick, () => {
    ready = true;
    tick();
  });
  const poll = setInterval(tick, POLL_MS);

  return {
    isReady: () => ready && !closed,
    watch: (interest) => {
      let dirty = false;
      let open = true;
      let notify: (() => void) | undefined;
      const watcher: Watcher = {
        interest,
        wake: () => {
          dirty = true;
          notify?.();
        },
        close: () => {
          open = false;
          watchers.delete(watcher);
          notify?.();
        },
      };
      watchers.add(watcher);
      return {
        next: async () => {
          while (open && !dirty) {
            await new Promise<void>((resolve) => {
              notify = resolve;
            });
          }
          dirty = false;
          return open;
        },
        close: watcher.close,
      };
    },
    close: async () => {
      closed = true;
      clearInterval(poll);
      for (const watcher of watchers) watcher.close();
      await busy;
      await listener.end({ timeout: 1 });
    },
  };
}
