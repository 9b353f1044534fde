import type { Logger } from 'pino';
import type { Seal } from '../live/seal.ts';
import type { Streams } from '../live/telemetry.ts';
import { openReading } from '../store/read/reading.ts';
import type { Reading } from '../store/read/reading.ts';
import type { Identity } from './identity.ts';
import { toReader } from './identity.ts';
import type { Loaders } from './loaders.ts';
import { createLoaders } from './loaders.ts';

/** What lives as long as the server. */
export interface Services {
  readonly streams: Streams;
  readonly seal: Seal;
  readonly log: Logger;
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
  /** From here on reads must see what this request writes. */
  expectWrites(): void;
}

export function createContext(services: Services, identity: Identity, requestId: string): Context {
  const options = { snapshot: true };
  const reading = openReading(services.streams.store, toReader(identity), options);
  return {
    services,
    identity,
    requestId,
    log: services.log.child({ requestId }),
    reading,
    loaders: createLoaders(reading),
    refused: new Set(),
    expectWrites: () => {
      options.snapshot = false;
    },
  };
}
