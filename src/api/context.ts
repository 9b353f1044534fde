import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { Seal } from '../live/seal.ts';
import type { Streams } from '../live/streams.ts';
import { openReading, USUAL_TIMES } from '../store/read/reading.ts';
import type { Reading } from '../store/read/reading.ts';
import type { Admission, Admitted } from './admission.ts';
import type { Heavy } from './gate.ts';
import type { Identity } from './identity.ts';
import { toReader } from './identity.ts';
import type { Loaders } from './loaders.ts';
import { createLoaders } from './loaders.ts';
import type { Operations } from './operations.ts';

/** What lives as long as the server. */
export interface Services {
  readonly schema: GraphQLSchema;
  readonly streams: Streams;
  readonly seal: Seal;
  readonly log: Logger;
  readonly admission: Admission;
  readonly operations: Operations;
  /** Where whole books of business are read. */
  readonly heavy: Heavy;
  /** Time that one statement of a usual request may take, milliseconds. */
  readonly statementTimeoutMs: number;
}

/** Who asks by which request. */
export interface Asker {
  readonly identity: Identity;
  readonly requestId: string;
  /** Aborted when the asker has hung up. */
  readonly gone?: AbortSignal;
}

/** What lives as long as one request, or as one message of a subscription. */
export interface Context {
  readonly services: Services;
  readonly identity: Identity;
  readonly requestId: string;
  readonly log: Logger;
  readonly reading: Reading;
  readonly loaders: Loaders;
  /** What was already refused: it is said once. */
  readonly refused: Set<string>;
  /** What was asked that may be asked once, where aggregates alone are shown. */
  readonly aggregated: Set<string>;
  /** What was found out about the operation; before its first read. */
  expect(admitted: Admitted): void;
}

export function createContext(
  services: Services,
  { identity, requestId, gone }: Asker,
  admitted?: Admitted,
): Context {
  const usual = { times: { ...USUAL_TIMES, statementTimeoutMs: services.statementTimeoutMs } };
  const options = { snapshot: true, ...usual, ...(gone && { gone }) };
  const expect = ({ heavy, writes }: Admitted) =>
    Object.assign(options, heavy ? services.heavy : usual, { snapshot: !writes });
  if (admitted) expect(admitted);
  const reading = openReading(services.streams.store, toReader(identity), options);
  return {
    services,
    identity,
    requestId,
    log: services.log.child({ requestId }),
    reading,
    loaders: createLoaders(reading),
    refused: new Set(),
    aggregated: new Set(),
    expect,
  };
}
