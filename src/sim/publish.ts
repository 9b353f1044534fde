import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from './message.ts';

/** What the simulator asks of the log: append these in this order, keyed. */
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
  /** Messages in one call of the producer; also how many are made without letting others run. */
  readonly batch: number;
  /** At most so many messages a second; as fast as they go where undefined. */
  readonly perSecond?: number | undefined;
  readonly signal: AbortSignal;
  /** Called after each batch with all that went out so far and the last one's arrival. */
  readonly onProgress?: ((published: number, arrivesMs: number) => void) | undefined;
}

/** Publishes in two parts that follow each other without a seam. */
export interface Publisher {
  /** All that arrives before an instant, as fast as possible. Gives how many went out. */
  readonly publishUntil: (untilMs: number) => Promise<number>;
  /** Everything after it, each message as its instant comes; until the signal. */
  readonly publishLive: (now: () => number) => Promise<number>;
}

/** Live messages go out together once a second. */
const LIVE_TICK_MS = 1_000;
/** Longest sleep when the whole fleet is parked, so that a changed clock is noticed. */
const LIVE_SLEEP_MOST_MS = 10_000;

/** Rejects with the producer's error; an aborted signal ends both parts in peace. */
export function createPublisher(settings: PublishSettings): Publisher {
  const { messages, producer, batch, perSecond, signal, onProgress } = settings;
  let published = 0;
  let next = messages.next();

  let sending: Promise<void> = Promise.resolve();

  /**
   * Takes what arrives before `untilMs`, at most one batch, and sends it once the batch before is
   * out: so one is made while another is under way. Gives how many messages it has.
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
    // Whoever awaits it next hears of a failure.
    sending.catch(() => undefined);
    return records.length;
  };

  return {
    publishUntil: async (untilMs) => {
      const before = published;
      while (!signal.aborted) {
        const sent = await sendBatch(untilMs);
        if (sent === 0) break;
        // A producer that answers at once would otherwise keep timers and sockets waiting.
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
