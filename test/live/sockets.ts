import type { Client } from 'graphql-ws';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import type { Api } from '../../src/api/server.ts';
import type { Claims } from '../api/client.ts';
import { signToken } from '../api/client.ts';

export interface Subscription<Message> {
  readonly messages: Message[];
  readonly errors: unknown[];
  /** A subscription does not say when it has begun: probes until one of them is heard. */
  begun(probe: () => Promise<void>): Promise<void>;
  /** Waits until so many messages have come, or throws after twenty seconds. */
  until(count: number): Promise<Message[]>;
  end(): Promise<void>;
}

/** Subscribes as a client does, over its own socket, and collects what comes and counts. */
export function subscribe<Message>(
  api: Api,
  claims: Claims,
  query: string,
  variables: Record<string, unknown> = {},
  options: { readonly counts?: (message: Message) => boolean } = {},
): Subscription<Message> {
  const client: Client = createClient({
    url: api.wsUrl,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: async () => ({ Authorization: `Bearer ${await signToken(claims)}` }),
  });
  const messages: Message[] = [];
  const counts = options.counts ?? (() => true);
  const errors: unknown[] = [];
  let heard = false;
  let wake: (() => void) | undefined;
  const stop = client.subscribe<Message>(
    { query, variables },
    {
      next: (result) => {
        if (result.data) heard = true;
        if (result.data && counts(result.data)) messages.push(result.data);
        if (result.errors) errors.push(...result.errors);
        wake?.();
      },
      error: (error) => {
        errors.push(...(Array.isArray(error) ? error : [error]));
        wake?.();
      },
      complete: () => wake?.(),
    },
  );
  return {
    messages,
    errors,
    begun: async (probe) => {
      for (let tries = 0; !heard && tries < 100; tries++) {
        await probe();
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
    until: async (count) => {
      const deadline = Date.now() + 20_000;
      while (messages.length < count) {
        if (Date.now() > deadline || errors.length > 0) {
          throw new Error(
            `${messages.length} of ${count} messages came; errors: ${JSON.stringify(errors)}`,
          );
        }
        await Promise.race([
          new Promise<void>((resolve) => {
            wake = resolve;
          }),
          new Promise((resolve) => setTimeout(resolve, 100)),
        ]);
      }
      return messages;
    },
    end: async () => {
      stop();
      await client.dispose();
    },
  };
}
