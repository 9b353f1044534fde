import type { Watch } from './hub.ts';

/**
 * A stream that a subscriber pulls. Nothing is queued for one who is slow: the store keeps it, and
 * one batch at most waits here.
 *
 * @param read the next batch; an empty one waits for a wake-up
 */
export function createStream<Message>(
  watch: Watch,
  read: () => Promise<{ readonly messages: readonly Message[]; readonly more: boolean }>,
): AsyncIterableIterator<Message> {
  async function* pull(): AsyncGenerator<Message, undefined> {
    let open = true;
    while (open) {
      const { messages, more } = await read();
      yield* messages;
      if (!more) open = await watch.next();
    }
    return undefined;
  }
  const pulled = pull();
  const end = () => {
    watch.close();
    return Promise.resolve({ value: undefined, done: true as const });
  };
  return {
    // A generator's own return() waits for the pending next(); closing the watch ends that first.
    next: () =>
      pulled.next().catch((error: unknown) => {
        watch.close();
        throw error;
      }),
    return: () => {
      watch.close();
      return pulled.return(undefined);
    },
    throw: end,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
