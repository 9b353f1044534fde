import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from './message.ts';

/** Appends keyed records to the log, in this order. */
export interface Producer {
  readonly send: (
    records: readonly {
      readonly key: string;
      readonly value: string;
      readonly headers: Readonly<Record<string, string>>;
    }[],
  ) => Promise<void>;
}

export interface PublishSettings {
  /** In order of arrival. */
  readonly messages: Iterator<Message, void, undefined>;
  readonly producer: Producer;
  /** Messages per call of the producer; also how many are generated before yielding to the event loop. */
  readonly batch: number;
  /** Upper limit of messages per second; unlimited where undefined. */
  readonly perSecond?: number | undefined;
  readonly signal: AbortSignal;
  /** Called after each batch with the messages published so far and the arrival time of the last one. */
  readonly onProgress?: ((published: number, arrivesMs: number) => void) | undefined;
}

/** Publishes in two consecutive phases: history, then live. */
export interface Publisher {
  /** Publishes everything that arrives before an instant, as fast as possible. @returns the number published */
  readonly publishUntil: (untilMs: number) => Promise<number>;
  /** Publishes the rest, each message at its own time, until the signal aborts. */
  readonly publishLive: (now: () => number) => Promise<number>;
}

/** Live messages are sent in one batch per second. */
const LIVE_TICK_MS = 1_000;
/** Longest sleep when the whole fleet is parked, so that a changed clock is noticed. */
const LIVE_SLEEP_MOST_MS = 10_000;

/** Both phases reject with the producer's error and end normally when the signal aborts. */
export function createPublisher(settings: PublishSettings): Publisher {
  const { messages, producer, batch, perSecond, signal, onProgress } = settings;
  let published = 0;
  let next = messages.next();

  let sending: Promise<void> = Promise.resolve();

  /**
   * Takes at most one batch of what arrives before `untilMs` and sends it once the previous batch is
   * out, so that one is generated while another is being sent. @returns its number of messages
   */
  const sendBatch = async (untilMs: number): Promise<number> => {
    const records: { key: string; value: string; headers: Record<string, string> }[] = [];
    let arrivesMs = 0;
    while (!next.done && next.value.arrivesMs < untilMs && records.length < batch) {
      const { key, value, contentType } = next.value;
      arrivesMs = next.value.arrivesMs;
      records.push({ key, value, headers: { 'content-type': contentType } });
      next = messages.next();
    }
    await sending;
    if (records.length === 0) return 0;
    sending = producer.send(records).then(() => {
      published += records.length;
      onProgress?.(published, arrivesMs);
    });
    // The next `await sending` reports a failure.
    sending.catch(() => undefined);
    return records.length;
  };

  return {
    publishUntil: async (untilMs) => {
      const before = published;
      while (!signal.aborted) {
        const sent = await sendBatch(untilMs);
        if (sent === 0) break;
        // Otherwise a producer that resolves at once would starve timers and sockets.
        await pause(perSecond === undefined ? 0 : (sent / perSecond) * 1000, signal);
      }
      await sending;
      return published - before;
    },
    publishLive: async (now) => {
      const before = published;
      while (!signal.aborted && !next.done) {
        const sent = await sendBatch(now());
        if (sent === batch) continue;
        const untilNextMs = next.done ? 0 : next.value.arrivesMs - now();
        await sending;
        await pause(Math.max(LIVE_TICK_MS, Math.min(untilNextMs, LIVE_SLEEP_MOST_MS)), signal);
      }
      await sending;
      return published - before;
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
