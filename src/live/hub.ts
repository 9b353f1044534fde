import postgres from 'postgres';
import type { Logger } from 'pino';
import { CHANNEL } from '../store/notify.ts';
import type { Store } from '../store/open.ts';
import { readTouched, readVersions } from '../store/read/changes.ts';

/** What a subscriber wants to hear of. */
export type Interest =
  | { readonly of: 'telemetry'; readonly deviceId: string }
  | { readonly of: 'tripsOfDevice'; readonly deviceId: string }
  | {
      readonly of: 'tripsOfDriver';
      readonly tenant: string | null;
      readonly driverExternalId: string;
    };

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
  wake(): void;
  close(): void;
}

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
    const interests = [...watchers].map((watcher) => watcher.interest);
    const devices = interests.flatMap((i) => (i.of === 'telemetry' ? [i.deviceId] : []));
    if (devices.length > 0) {
      const found = await readVersions(store, [...new Set(devices)]);
      for (const watcher of watchers) {
        const { interest } = watcher;
        if (interest.of !== 'telemetry') continue;
        const version = found.get(interest.deviceId);
        if (version !== undefined && version !== versions.get(interest.deviceId)) watcher.wake();
      }
      versions.clear();
      for (const [device, version] of found) versions.set(device, version);
    }
    if (interests.some((i) => i.of !== 'telemetry')) {
      const since = horizon;
      const touched = await readTouched(store, since);
      horizon = touched.horizon;
      for (const watcher of watchers) {
        const { interest } = watcher;
        const concerned =
          since === undefined ||
          touched.trips.some((trip) =>
            interest.of === 'tripsOfDevice'
              ? trip.deviceId === interest.deviceId
              : interest.of === 'tripsOfDriver' &&
                trip.driverExternalId === interest.driverExternalId &&
                trip.tenant === interest.tenant,
          );
        if (interest.of !== 'telemetry' && concerned) watcher.wake();
      }
    } else {
      horizon = undefined;
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
