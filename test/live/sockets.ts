import type { Client } from 'graphql-ws';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import type { Api } from '../../src/api/server.ts';
import type { Claims } from '../api/client.ts';
import { signToken } from '../api/client.ts';

export interface Subscription<Message> {
  readonly messages: Message[];
  readonly errors: unknown[];
  /** Waits until so many messages have come, or throws after five seconds. */
  until(count: number): Promise<Message[]>;
  end(): Promise<void>;
}

/** Subscribes as a client does, over its own socket, and collects what comes. */
export function subscribe<Message>(
  api: Api,
  claims: Claims,
  query: string,
  variables: Record<string, unknown> = {},
): Subscription<Message> {
  const client: Client = createClient({
    url: api.wsUrl,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: async () => ({ Authorization: `Bearer ${await signToken(claims)}` }),
  });
  const messages: Message[] = [];
  const errors: unknown[] = [];
  let wake: (() => void) | undefined;
  const stop = client.subscribe<Message>(
    { query, variables },
    {
      next: (result) => {
        if (result.data) messages.push(result.data);
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
    until: async (count) => {
      const deadline = Date.now() + 5_000;
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
