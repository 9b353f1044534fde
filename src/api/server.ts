import type { Logger } from 'pino';
import { createStreamCursors } from '../live/cursors.ts';
import { startHub } from '../live/hub.ts';
import { createSeal } from '../live/seal.ts';
import { createTurns } from '../live/turns.ts';
import { openStore } from '../store/open.ts';
import { readEpoch } from '../store/read/changes.ts';
import { checkApiLogin } from '../store/read/login.ts';
import { openReadPool } from '../store/read/session.ts';
import { USUAL_TIMES } from '../store/read/transaction.ts';
import { createAdmission } from './admission.ts';
import { serveHttp } from './apollo.ts';
import { serveConsole } from './console.ts';
import type { Services } from './context.ts';
import { serveExports } from './export/serve.ts';
import { serveHttpStreams } from './http-streams.ts';
import { createDocuments } from './documents.ts';
import { createGate } from './gate.ts';
import type { Role } from '../roles.ts';
import { ROLES } from '../roles.ts';
import type { AuthSettings } from './identity.ts';
import { createAuthenticate } from './identity.ts';
import type { OperationSettings } from './operations.ts';
import { createOperations } from './operations.ts';
import type { RateLimits } from './rates.ts';
import { createRates } from './rates.ts';
import { createRequestSteps } from './request-steps.ts';
import { createSchema } from './schema.ts';
import type { SessionLimits } from './sessions.ts';
import { createSessions } from './sessions.ts';
import { createSharedAnswers } from './sharing.ts';
import { serveSockets } from './sockets.ts';
import { createWeb } from './web.ts';

export interface ApiOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The login odograph_api, or another that row-level security binds. */
  readonly storeUrl: string;
  /** Connections to the store; 10 if not given. */
  readonly poolSize?: number;
  readonly auth: AuthSettings;
  /** Origins of pages that may send requests; none if empty. */
  readonly corsOrigins: readonly string[];
  /** Proxies in front of the API, by address or network; none if not given. */
  readonly trustProxy?: readonly string[];
  readonly log: Logger;
  /** How long a request may take to arrive, milliseconds; 30,000 if not given. */
  readonly requestTimeoutMs?: number;
  /** Points per minute by role; a role that is not listed is not limited, nor is any if not given. */
  readonly rateLimits?: RateLimits;
  /** Roles that may read the schema; all if not given. */
  readonly introspection?: readonly Role[];
  readonly operations?: OperationSettings;
  /** Connections for subscriptions at once; 20,000, and 20 of one DRIVER, if not given. */
  readonly sessionLimits?: SessionLimits;
  /** Number of queries over whole books of business that run at once; 1 if not given. */
  readonly heavyQueries?: number;
  /** Time limit of one statement of a usual request, milliseconds; 10,000 if not given. */
  readonly statementTimeoutMs?: number;
  /** Tokens that the console offers, by role; for local runs only. */
  readonly localTokens?: Readonly<Record<string, string>>;
  /** Text of /metrics in Prometheus' format; 404 if not given. */
  readonly metrics?: () => Promise<string>;
  /** Whether other parts of the process are ready, such as the sink; true if not given. */
  readonly isReady?: () => boolean;
}

export interface Api {
  /** GraphQL over HTTP, e.g. http://127.0.0.1:4000/graphql. */
  readonly url: string;
  /** GraphQL over WebSocket. */
  readonly wsUrl: string;
  /** How many connections for subscriptions are open, and how many subscriptions run on them. */
  live(): { readonly connections: number; readonly subscriptions: number };
  stop(): Promise<void>;
}

const PATH = '/graphql';
/** Subscribers that read alone at once, of the connections to the store. */
const CATCHING_UP = 3;
/** Messages of subscriptions that read at once, of the same connections. */
const MESSAGES_AT_ONCE = 3;
/** Heavy operations that may wait at the gate, and for how long. */
const HEAVY_QUEUE = 50;
const HEAVY_WAIT_MS = 30_000;
/** A file is sent as fast as its client reads it, and holds a database snapshot meanwhile. */
const EXPORTS_AT_ONCE = 2;
/** Transactions that read while their request has one open; with the same pool, requests would wait for each other. */
const NESTED_AT_ONCE = 4;
const EXPORT_TIMES = { statementTimeoutMs: 60_000, readingTimeoutMs: 900_000 };
const HEAVY_TIMES = { statementTimeoutMs: 30_000, readingTimeoutMs: 45_000 };

/** Starts the API. @throws Error if row-level security does not bind the store's login */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { log, storeUrl: url } = options;
  const schema = createSchema();
  const store = openStore({ url, poolSize: options.poolSize ?? 10 });
  const places = options.heavyQueries ?? 1;
  const heavyReads = openReadPool(url, places, 'custom');
  const exportReads = openReadPool(url, EXPORTS_AT_ONCE, 'custom');
  const nestedReads = openReadPool(url, NESTED_AT_ONCE, 'generic');
  const closeStores = async () => {
    await Promise.all(
      [store, heavyReads, exportReads, nestedReads].map((connections) => connections.close()),
    );
  };
  try {
    await checkApiLogin(store);
    const { epoch, cursorKey } = await readEpoch(store);
    const seal = createSeal(cursorKey);
    const cursors = createStreamCursors(seal, epoch);
    const now = Date.now;
    const hub = await startHub({ url, log, cursors, now });
    const gate = createGate({ places, queue: HEAVY_QUEUE, waitMs: HEAVY_WAIT_MS });
    const services: Services = {
      schema,
      store,
      now,
      log,
      seal,
      streams: { store, hub, cursors, now, alone: createTurns(CATCHING_UP) },
      steps: createRequestSteps({
        authenticate: createAuthenticate(options.auth),
        operations: createOperations(options.operations ?? {}),
        admission: createAdmission(schema, {
          rates: createRates(options.rateLimits ?? {}),
          introspection: options.introspection ?? ROLES,
        }),
      }),
      documents: createDocuments(schema),
      answers: createSharedAnswers(),
      messageTurns: createTurns(MESSAGES_AT_ONCE),
      sessions: createSessions(now, options.sessionLimits),
      heavy: { times: HEAVY_TIMES, through: heavyReads, acquire: gate.acquire },
      nestedReads,
      statementTimeoutMs: options.statementTimeoutMs ?? USUAL_TIMES.statementTimeoutMs,
    };

    const { corsOrigins, trustProxy = [], requestTimeoutMs } = options;
    const app = await createWeb({ corsOrigins, trustProxy, log, requestTimeoutMs });
    const graphql = { app, path: PATH, services };
    const stopHttp = await serveHttp(graphql);
    serveHttpStreams(app, `${PATH}/stream`, services);
    const waiting = { queue: HEAVY_QUEUE, waitMs: HEAVY_WAIT_MS };
    const { acquire } = createGate({ places: EXPORTS_AT_ONCE, ...waiting });
    const exporting = { times: EXPORT_TIMES, through: exportReads, acquire };
    serveExports({ app, services, exporting });
    serveConsole(app, { path: PATH, localTokens: options.localTokens });
    app.get('/health/live', () => ({ status: 'live' }));
    app.get('/health/ready', async (_, reply) => {
      const database = await store.prisma.$queryRaw`select 1`.then(
        () => true,
        () => false,
      );
      const parts = { database, listener: hub.isReady(), others: options.isReady?.() ?? true };
      const ready = Object.values(parts).every(Boolean);
      await reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', ...parts });
    });
    app.get('/metrics', async (_, reply) => {
      if (!options.metrics) return reply.callNotFound();
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await options.metrics());
    });

    const stopSockets = serveSockets({ ...graphql, server: app.server });
    const address = await app.listen({ host: options.host, port: options.port });
    const graphqlUrl = new URL(PATH, address);
    const stop = async () => {
      // Connections first: a stream that ended before its connection would look complete.
      services.sessions.drain();
      const socketsStopped = stopSockets();
      await hub.close();
      await socketsStopped;
      await stopHttp();
      await app.close();
      await closeStores();
    };
    let stopped: Promise<void> | undefined;
    return {
      url: graphqlUrl.href,
      wsUrl: graphqlUrl.href.replace(/^http/, 'ws'),
      live: () => ({ connections: services.sessions.count(), subscriptions: hub.open.size }),
      stop: () => (stopped ??= stop()),
    };
  } catch (error) {
    await closeStores();
    throw error;
  }
}
