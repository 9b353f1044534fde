import { setTimeout as sleep } from 'node:timers/promises';

const GIVE_UP_MS = 20_000;

/**
 * Waits until a stream has been silent for a while, so that a message that must not come would have come.
 * On a busy machine a late message starts the wait again, instead of arriving after it.
 */
export async function quietFor(
  { messages }: { readonly messages: readonly unknown[] },
  silenceMs = 1_500,
): Promise<void> {
  const deadline = Date.now() + GIVE_UP_MS;
  for (let seen = -1; seen !== messages.length;) {
    if (Date.now() > deadline) throw new Error('the stream did not fall silent');
    seen = messages.length;
    await sleep(silenceMs);
  }
}
