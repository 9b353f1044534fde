// Follows a subscription through lost connections, restarts of the server and new tokens: every message once.
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const LONGEST_PAUSE_MS = 60_000;

/**
 * @param token called before each connection, so that an expired token is replaced
 * @param query a subscription with one field, the variable `$after` and the selection `cursor`
 * @param onMessage called with each message; the cursor counts once it has resolved, so keep both together there
 * @throws the errors of an operation that the server refuses
 */
export async function follow({ url, token, query, variables = {}, after, onMessage, signal }) {
  let cursor = after;
  let failures = 0;
  while (!signal?.aborted) {
    const client = createClient({
      url,
      webSocketImpl: WebSocket,
      // A retry of the client's own would send the first cursor again.
      retryAttempts: 0,
      connectionParams: async () => ({ Authorization: `Bearer ${await token()}` }),
    });
    const stop = () => client.terminate();
    signal?.addEventListener('abort', stop);
    let pauseMs = 1_000 * 2 ** failures;
    try {
      for await (const { data, errors } of client.iterate({
        query,
        variables: { ...variables, after: cursor },
      })) {
        if (!data) throw errors;
        const [message] = Object.values(data);
        await onMessage(message);
        cursor = message.cursor;
        failures = 0;
        pauseMs = 1_000;
      }
    } catch (error) {
      const refusals = Array.isArray(error) ? error.map(({ extensions }) => extensions) : [];
      const retryAfterS = refusals.find((refusal) => refusal.retryAfterS)?.retryAfterS;
      if (refusals.some(({ code }) => code === 'CURSOR_EXPIRED')) cursor = undefined;
      else if (retryAfterS !== undefined) pauseMs = 1_000 * retryAfterS;
      else if (refusals.length > 0 || error?.code === 4401) throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
      await client.dispose();
    }
    failures += 1;
    // Clients that lost the same server do not all come back at once.
    const pause = Math.random() * Math.min(pauseMs, LONGEST_PAUSE_MS);
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
}
