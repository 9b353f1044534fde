import { createUnavailableError } from './errors.ts';
import type { Identity } from './identity.ts';
import type { Role } from '../roles.ts';

/** Why the server ends a connection. */
export type Ending = 'EXPIRED' | 'TOO_SLOW' | 'RESTART';

/** A connection over which messages are sent as they come: a socket, an event stream or a multipart response. */
export interface Session {
  /** Undefined until a socket has sent its token. */
  readonly expiresAtMs: number | undefined;
  /** Bytes that wait for the client. */
  waitingBytes(): number;
  end(why: Ending): void;
}

export interface SessionLimits {
  /** Connections of this process. */
  readonly all: number;
  /** Connections of one caller, by role; a role that is not listed has no limit of its own. */
  readonly each: Readonly<Partial<Record<Role, number>>>;
}

export interface Sessions {
  /** Counts a connection. @returns a function for its end @throws UNAVAILABLE */
  add(session: Session): () => void;
  /** Counts a connection as one of a caller's. @returns a function for its end @throws UNAVAILABLE */
  addFor(identity: Identity): () => void;
  count(): number;
  /** Ends all connections, and refuses new ones. */
  drain(): void;
}

const SWEEP_MS = 1_000;
/** A client that takes nothing for so many sweeps is too slow. */
const PATIENCE = 10;
const RETRY_MS = 10_000;
const NO_LIMITS: SessionLimits = { all: 20_000, each: { DRIVER: 20 } };

/** Keeps the connections of this process: how many there are, when they expire, and which do not keep up. */
export function createSessions(
  now: () => number,
  { all, each }: SessionLimits = NO_LIMITS,
): Sessions {
  const sessions = new Map<Session, { waitingBytes: number; sweeps: number }>();
  const ofCallers = new Map<string, number>();
  let draining = false;

  const sweep = () => {
    for (const [session, seen] of sessions) {
      if (session.expiresAtMs !== undefined && session.expiresAtMs <= now()) session.end('EXPIRED');
      const waitingBytes = session.waitingBytes();
      const isStuck =
        waitingBytes > 0 && seen.waitingBytes > 0 && waitingBytes >= seen.waitingBytes;
      seen.sweeps = isStuck ? seen.sweeps + 1 : 0;
      seen.waitingBytes = waitingBytes;
      if (seen.sweeps === PATIENCE) session.end('TOO_SLOW');
    }
  };
  // One timer for all: those of thousands of connections would cost more, and end at 24.8 days.
  let timer: NodeJS.Timeout | undefined;

  return {
    add: (session) => {
      if (draining) throw createUnavailableError('This server is restarting.', RETRY_MS);
      if (sessions.size >= all) {
        throw createUnavailableError(`This server has its ${all} connections already.`, RETRY_MS);
      }
      sessions.set(session, { waitingBytes: 0, sweeps: 0 });
      timer ??= setInterval(sweep, SWEEP_MS);
      return () => {
        sessions.delete(session);
        if (sessions.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    addFor: ({ role, tenant, driver, subject }) => {
      const most = each[role];
      const key = JSON.stringify([role, tenant, driver ?? subject]);
      const open = ofCallers.get(key) ?? 0;
      if (most !== undefined && open >= most) {
        throw createUnavailableError(
          `This caller has its ${most} connections already: close one of them.`,
          RETRY_MS,
        );
      }
      ofCallers.set(key, open + 1);
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        const left = (ofCallers.get(key) ?? 1) - 1;
        if (left > 0) ofCallers.set(key, left);
        else ofCallers.delete(key);
      };
    },
    count: () => sessions.size,
    drain: () => {
      draining = true;
      for (const session of [...sessions.keys()]) session.end('RESTART');
    },
  };
}

/** A random time to come back after a restart, so that not all clients do at once, milliseconds. */
export function spreadOutMs(): number {
  return 500 + Math.floor(Math.random() * (RETRY_MS - 500));
}
