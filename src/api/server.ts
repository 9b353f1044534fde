import { randomUUID } from 'node:crypto';
import type { ApolloServerPlugin } from '@apollo/server';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloDrainPlugin, fastifyApolloHandler } from '@as-integrations/fastify';
import Fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { createStreamCursors } from '../live/cursors.ts';
import { startHub } from '../live/hub.ts';
import { createSeal } from '../live/seal.ts';
import { openStore } from '../store/open.ts';
import { readEpoch } from '../store/read/changes.ts';
import { checkApiLogin } from '../store/read/login.ts';
import { serveConsole } from './console.ts';
import type { Context, Services } from './context.ts';
import { createContext } from './context.ts';
import { formatError } from './errors.ts';
import { serveEventStream } from './event-stream.ts';
import type { AuthSettings } from './identity.ts';
import { createAuthenticate } from './identity.ts';
import { checkCost, limitRules, MAX_BODY_BYTES, MAX_TOKENS } from './limits.ts';
import { createSchema } from './schema.ts';
import { serveSockets } from './sockets.ts';

export interface ApiOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The login odograph_api, or another without rights over the walls. */
  readonly storeUrl: string;
  /** Connections to the store; 10 if not given. */
  readonly poolSize?: number;
  readonly auth: AuthSettings;
  /** Origins of pages elsewhere that may ask; none if empty. */
  readonly corsOrigins: readonly string[];
  readonly log: Logger;
  /** Tokens that the console offers, by role; for a run on one's own machine only. */
  readonly localTokens?: Readonly<Record<string, string>>;
  /** Text of /metrics in Prometheus' format; 404 if not given. */
  readonly metrics?: () => Promise<string>;
  /** What must also be ready, as the sink in the same process; nothing if not given. */
  readonly isReady?: () => boolean;
}

export interface Api {
  /** Where GraphQL is asked by HTTP, e.g. http://127.0.0.1:4000/graphql. */
  readonly url: string;
  /** Where it is asked by WebSocket. */
  readonly wsUrl: string;
  stop(): Promise<void>;
}

const PATH = '/graphql';

/** Starts the API. @throws where the store's login would make the walls useless */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { log } = options;
  const requestLog: FastifyBaseLogger = log;
  const authenticate = createAuthenticate(options.auth);
  const schema = createSchema();
  const store = openStore({ url: options.storeUrl, poolSize: options.poolSize ?? 10 });
  try {
    await checkApiLogin(store);
    const epoch = await readEpoch(store);
    const hub = await startHub({ store, url: options.storeUrl, log });
    const seal = createSeal(`odograph cursors ${epoch}`);
    const services: Services = {
      log,
      seal,
      streams: { store, hub, cursors: createStreamCursors(seal, epoch), now: Date.now },
    };

    const app = Fastify({
      loggerInstance: requestLog,
      logController: new LogController({ disableRequestLogging: true }),
      bodyLimit: MAX_BODY_BYTES,
      genReqId: () => randomUUID(),
      forceCloseConnections: true,
    });
    const apollo = new ApolloServer<Context>({
      schema,
      validationRules: [...limitRules],
      parseOptions: { maxTokens: MAX_TOKENS },
      hideSchemaDetailsFromClientErrors: true,
      includeStacktraceInErrorResponses: false,
      introspection: true,
      stopOnTerminationSignals: false,
      logger: log,
      formatError: (formatted, error) => formatError(formatted, error, log),
      plugins: [
        ApolloServerPluginCacheControlDisabled(),
        fastifyApolloDrainPlugin(app),
        createRequestPlugin(schema),
      ],
    });
    await apollo.start();

    app.addHook('onRequest', async (request, reply) => {
      void reply.header('x-request-id', request.id);
      const { origin } = request.headers;
      if (origin === undefined || !options.corsOrigins.includes(origin)) return;
      void reply.headers({
        'access-control-allow-origin': origin,
        'access-control-allow-headers': 'authorization, content-type',
        'access-control-allow-methods': 'GET, POST',
        'access-control-expose-headers': 'x-odograph-data-as-of, x-request-id',
        'access-control-max-age': '600',
        vary: 'origin',
      });
      if (request.method === 'OPTIONS') await reply.code(204).send();
    });
    app.route({
      method: ['GET', 'POST'],
      url: PATH,
      handler: fastifyApolloHandler(apollo, {
        context: async (request) =>
          createContext(services, await authenticate(request.headers.authorization), request.id),
      }),
    });
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
      if (!options.metrics) return reply.code(404).send();
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await options.metrics());
    });
    serveEventStream({ app, path: `${PATH}/stream`, schema, services, authenticate });
    serveConsole(app, { path: PATH, localTokens: options.localTokens });

    const stopSockets = serveSockets({
      server: app.server,
      path: PATH,
      schema,
      services,
      authenticate,
    });
    const address = await app.listen({ host: options.host, port: options.port });
    const url = new URL(PATH, address);
    return {
      url: url.href,
      wsUrl: url.href.replace(/^http/, 'ws'),
      stop: async () => {
        // Sockets first: a stream that ended before its socket would look like one that was complete.
        const socketsStopped = stopSockets();
        await hub.close();
        await socketsStopped;
        await apollo.stop();
        await app.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What happens around every request over HTTP: its cost, how fresh its data are, and its end. */
function createRequestPlugin(schema: GraphQLSchema): ApolloServerPlugin<Context> {
  return {
    requestDidStart: async () => ({
      didResolveOperation: async ({ document, operation, request, contextValue }) => {
        if (!operation) return;
        checkCost(schema, document, operation, request.variables ?? {});
        if (operation.operation === 'mutation') contextValue.expectWrites();
      },
      didEncounterErrors: async ({ errors, contextValue }) => {
        for (const error of errors) error.extensions['requestId'] = contextValue.requestId;
      },
      willSendResponse: async ({ contextValue, response }) => {
        const dataAsOfMs = contextValue.reading.dataAsOfMs();
        if (dataAsOfMs !== null) {
          response.http.headers.set('x-odograph-data-as-of', new Date(dataAsOfMs).toISOString());
        }
        await contextValue.reading.end();
      },
    }),
  };
}
