import pg from 'pg';
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
  const pool = new pg.Pool({ connectionString: url, max: 1, Client: SessionClient });
  pool.on('error', () => undefined); // the next wake-up opens another connection
  let sending: Promise<void> | undefined;
  let again = false;
  const send = async (): Promise<void> => {
    do {
      again = false;
      await pool.query(`notify ${CHANNEL}`);
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
      await pool.end();
    },
  };
}
