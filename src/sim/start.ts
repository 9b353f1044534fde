import type { Zones } from '../core/zones.ts';
import type { DefectLevel } from './defects.ts';
import { defectRates } from './defects.ts';
import { createFleet } from './fleet.ts';
import type { Producer } from './publish.ts';
import { createPublisher } from './publish.ts';
import type { FleetTokens } from './register.ts';
import { lastEventsMs, registerFleet } from './register.ts';
import { streamFleet } from './stream.ts';

export interface FleetRun {
  readonly seed: number;
  readonly cars: number;
  readonly producer: Producer;
  readonly zones: Zones;
  /** Where to register drivers, devices and policies; undefined to register nothing. */
  readonly api?: { readonly url: string; readonly tokens: FleetTokens } | undefined;
  /** The clock, epoch milliseconds. */
  readonly now: () => number;
  /** Days of history published immediately. */
  readonly historyDays: number;
  /** Continue in real time until `stop`. */
  readonly live: boolean;
  readonly defects: DefectLevel;
  /** Messages per call of the producer; a smaller batch leaves more time to other work in the process. */
  readonly batch?: number;
  /** Upper limit of messages per second for the history. */
  readonly perSecond?: number | undefined;
  readonly onProgress?: ((progress: FleetProgress) => void) | undefined;
}

export interface FleetProgress {
  readonly published: number;
  /** Share of the history already published, 0 to 1; 1 when live. */
  readonly share: number;
}

export interface RunningFleet {
  /** Resolves with the number of history messages once they are published; rejects as `finished` does. */
  readonly historyPublished: Promise<number>;
  /** Resolves when the run has ended; rejects with the error that ended it. */
  readonly finished: Promise<void>;
  /** Ends the run after the batch in flight. */
  readonly stop: () => Promise<void>;
}

const DAY_MS = 86_400_000;
/** No message is delayed longer than this, so nothing older can be missing. */
const HELD_MOST_MS = 6 * 3_600_000;

/**
 * Starts a fleet: registers it, publishes its recent days immediately and then, if asked, continues
 * in real time. A fleet that has run before continues where it stopped.
 */
export function startFleet(run: FleetRun): RunningFleet {
  const abort = new AbortController();
  const { signal } = abort;
  const untilMs = run.now();
  const fromMs = untilMs - run.historyDays * DAY_MS;

  const prepare = async () => {
    const fleet = createFleet(run);
    let heard: ReadonlyMap<string, number> = new Map();
    if (run.api) {
      const where = { fleet, apiUrl: run.api.url, tokens: run.api.tokens, signal };
      await registerFleet({
        ...where,
        firstYear: new Date(fromMs).getUTCFullYear(),
        lastYear: new Date(untilMs).getUTCFullYear(),
      });
      heard = await lastEventsMs(where);
    }
    return createPublisher({
      messages: streamFleet(
        fleet,
        (car) => Math.max(fromMs, (heard.get(car.deviceId) ?? fromMs) - HELD_MOST_MS),
        run.zones,
        defectRates[run.defects],
      ),
      producer: run.producer,
      batch: run.batch ?? 500,
      perSecond: run.perSecond,
      signal,
      onProgress: (published, arrivesMs) => {
        const share = (arrivesMs - fromMs) / Math.max(1, untilMs - fromMs);
        run.onProgress?.({ published, share: Math.min(1, Math.max(0, share)) });
      },
    });
  };

  const publisher = prepare();
  const historyPublished = publisher.then(async (p) => {
    const published = await p.publishUntil(untilMs);
    if (!signal.aborted) run.onProgress?.({ published, share: 1 });
    return published;
  });
  const finished = historyPublished
    .then(async () => {
      if (run.live) await (await publisher).publishLive(run.now);
    })
    .catch((error: unknown) => {
      // Stopping in the middle of a request is not a failure.
      if (!signal.aborted) throw error;
    });
  historyPublished.catch(() => undefined);
  finished.catch(() => undefined);
  return {
    historyPublished,
    finished,
    stop: async () => {
      abort.abort();
      await finished;
    },
  };
}
