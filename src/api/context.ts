import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { Seal } from '../live/seal.ts';
import type { Streams } from '../live/streams.ts';
import type { Turns } from '../live/turns.ts';
import type { Store } from '../store/open.ts';
import type { ReadPool } from '../store/read/session.ts';
import type { ReadOptions, ReadTransaction } from '../store/read/transaction.ts';
import { openReadTransaction, USUAL_TIMES } from '../store/read/transaction.ts';
import type { Admitted } from './admission.ts';
import type { Heavy } from './gate.ts';
import type { Identity } from './identity.ts';
import { toReader } from './identity.ts';
import type { Loaders } from './loaders.ts';
import { createLoaders } from './loaders.ts';
import type { Documents } from './documents.ts';
import type { RequestSteps } from './request-steps.ts';
import type { Sessions } from './sessions.ts';
import type { SharedAnswers } from './sharing.ts';

/** What lives as long as the server. */
export interface Services {
  readonly schema: GraphQLSchema;
  readonly store: Store;
  readonly now: () => number;
  readonly streams: Streams;
  readonly seal: Seal;
  readonly log: Logger;
  readonly steps: RequestSteps;
  readonly documents: Documents;
  readonly answers: SharedAnswers;
  /** Turns of the messages of subscriptions that read from the store. */
  readonly messageTurns: Turns;
  readonly sessions: Sessions;
  /** For operations that read whole books of business. */
  readonly heavy: Heavy;
  /** For a transaction within a request that has another one open. */
  readonly nestedReads: ReadPool;
  /** Time limit of one statement of a usual request, milliseconds. */
  readonly statementTimeoutMs: number;
}

/** The caller of a request. */
export interface Caller {
  readonly identity: Identity;
  readonly requestId: string;
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal;
  /** Waits for a turn before the first read; nothing waits if not given. @returns a function that ends the turn */
  acquire?(): Promise<() => void>;
}

/** What lives as long as one request, or as one message of a subscription. */
export interface Context {
  readonly services: Services;
  readonly identity: Identity;
  readonly requestId: string;
  readonly log: Logger;
  readonly reading: ReadTransaction;
  readonly loaders: Loaders;
  /** Refusals reported so far: each is reported once. */
  readonly refused: Set<string>;
  /** Fields asked for so far that may be asked for once, for callers that see aggregates only. */
  readonly aggregated: Set<string>;
  /** Decides how the request reads; unset until the operation is admitted, which is before its first read. */
  readonly operation: { admitted: Admitted | undefined };
}

export function createContext(
  services: Services,
  { identity, requestId, signal, acquire }: Caller,
  admitted?: Admitted,
): Context {
  const operation: Context['operation'] = { admitted };
  const reading = openReadTransaction(services.store, toReader(identity), () => ({
    ...readOptions(services, operation.admitted, signal),
    ...(acquire && { acquire }),
  }));
  let log: Logger | undefined;
  let loaders: Loaders | undefined;
  return {
    services,
    identity,
    requestId,
    reading,
    refused: new Set(),
    aggregated: new Set(),
    operation,
    get log() {
      return (log ??= services.log.child({ requestId }));
    },
    get loaders() {
      return (loaders ??= createLoaders(reading));
    },
  };
}

function readOptions(
  { heavy, statementTimeoutMs }: Services,
  admitted: Admitted | undefined,
  signal: AbortSignal,
): ReadOptions {
  const usual = { times: { ...USUAL_TIMES, statementTimeoutMs } };
  return { ...(admitted?.heavy ? heavy : usual), snapshot: !admitted?.writes, signal };
}
