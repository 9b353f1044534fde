import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { SessionClient } from './session.ts';

/** A connection that listens for notifications and is reopened when it is lost. */
export interface Listener {
  /** Whether the connection is open. */
  isConnected(): boolean;
  close(): Promise<void>;
}

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;
/** A connection that a firewall has dropped silently is noticed after this time. */
const PROBE_MS = 15_000;

/**
 * Listens on a channel until it is closed.
 * @param onWake called at each notification, and after each reconnection, when some may have been missed
 * @throws if the first connection fails
 */
export async function listen(url: string, channel: string, onWake: () => void): Promise<Listener> {
  const closing = new AbortController();
  const { signal } = closing;
  let client: pg.Client | undefined = await connect(url, channel, onWake);

  const keepConnected = async () => {
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      if (client) {
        await untilLost(client, signal);
        if (!signal.aborted) client = undefined;
        retryMs = FIRST_RETRY_MS;
        continue;
      }
      client = await connect(url, channel, onWake).catch(() => undefined);
      if (client) onWake();
      else await sleep(retryMs, undefined, { signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    }
  };
  const kept = keepConnected();
  return {
    isConnected: () => client !== undefined && !signal.aborted,
    close: async () => {
      closing.abort();
      await kept;
      await client?.end().catch(() => undefined);
    },
  };
}

async function connect(url: string, channel: string, onWake: () => void): Promise<pg.Client> {
  const client = new SessionClient({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    query_timeout: 10_000,
    application_name: 'odograph api listener',
    keepAlive: true,
  });
  client.on('error', () => undefined); // noticed as the end of the connection
  client.on('notification', onWake);
  try {
    await client.connect();
    await client.query(`listen ${client.escapeIdentifier(channel)}`);
    return client;
  } catch (error) {
    void client.end().catch(() => undefined);
    throw error;
  }
}

/** Resolves when the connection has ended or does not answer. */
async function untilLost(client: pg.Client, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const end = () => done.abort();
  client.once('end', end).once('error', end);
  signal.addEventListener('abort', end, { once: true });
  while (!done.signal.aborted) {
    await sleep(PROBE_MS, undefined, { signal: done.signal }).catch(() => undefined);
    if (done.signal.aborted) break;
    await client.query('select 1').catch(end);
  }
  signal.removeEventListener('abort', end);
  if (!signal.aborted) void client.end().catch(() => undefined);
}
