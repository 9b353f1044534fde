import postgres from 'postgres';
import { SessionClient } from './session.ts';

/** The channel that announces commits; what was committed is in the journal. */
export const CHANNEL = 'odograph';

export interface Notifier {
  /** Wakes the listeners soon; many calls make one message. */
  wake(): void;
  close(): Promise<void>;
}

/**
 * Tells listeners of commits on a connection of its own, so that no transaction waits for it. A
 * wake-up lost costs a reader at most its polling interval.
 */
export function createNotifier(url: string, onError: (error: unknown) => void): Notifier {
  // The URL is read as every other connection reads it, TLS parameters included.
  const { host, port, user, password, database, ssl } = new SessionClient({
    connectionString: url,
  });
  const sql = postgres({
    host,
    port,
    ...(user === undefined ? {} : { username: user }),
    ...(typeof password === 'string' ? { password } : {}),
    ...(database === undefined ? {} : { database }),
    ssl,
    max: 1,
    onnotice: () => undefined,
  });
  let sending: Promise<void> | undefined;
  let again = false;
  const send = async (): Promise<void> => {
    do {
      again = false;
      await sql.notify(CHANNEL, '');
    } while (again);
  };
  return {
    wake() {
      if (sending) {
        again = true;
        return;
      }
      sending = send()
        .catch(onError)
        .finally(() => {
          sending = undefined;
        });
    },
    async close() {
      await sending;
      await sql.end({ timeout: 5 });
    },
  };
}
