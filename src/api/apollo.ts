import type { ApolloServerPlugin, HTTPGraphQLRequest } from '@apollo/server';
import { ApolloServer, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
} from '@apollo/server/plugin/disabled';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { DocumentNode, GraphQLError, GraphQLSchema } from 'graphql';
import { parse } from 'graphql';
import type { Admitted } from './admission.ts';
import { showCost } from './admission.ts';
import type { Context, Services } from './context.ts';
import { createContext } from './context.ts';
import { createRefusal, formatError } from './errors.ts';
import type { Authenticate } from './identity.ts';
import { limitRules, MAX_TOKENS, refuseConditionalSubscription } from './limits.ts';
import type { Operations } from './operations.ts';
import { untilGone } from './web.ts';

/** Serves queries and mutations over HTTP. Returns what ends it. */
export async function serveHttp({
  app,
  path,
  schema,
  services,
  authenticate,
}: {
  app: FastifyInstance;
  path: string;
  schema: GraphQLSchema;
  services: Services;
  authenticate: Authenticate;
}): Promise<() => Promise<void>> {
  const { log, admission, operations } = services;
  const apollo = new ApolloServer<Context>({
    schema,
    validationRules: [...limitRules],
    parseOptions: { maxTokens: MAX_TOKENS },
    hideSchemaDetailsFromClientErrors: true,
    includeStacktraceInErrorResponses: false,
    introspection: true,
    stopOnTerminationSignals: false,
    logger: log,
    persistedQueries: { cache: toCache(operations) },
    formatError: (formatted, error) => formatError(formatted, error, log),
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      createRequestPlugin(services),
    ],
  });
  await apollo.start();
  app.route({
    method: ['GET', 'POST'],
    url: path,
    handler: async (request, reply) => {
      const { status, headers, body } = await apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest: toHttpRequest(request),
        context: async () => {
          const identity = await authenticate(request.headers.authorization);
          await admission.knock(identity);
          const question = toQuestion(request);
          operations.check(question);
          checkSubscription(question);
          return createContext(services, {
            identity,
            requestId: request.id,
            gone: untilGone(reply),
          });
        },
      });
      if (body.kind !== 'complete') throw new Error('an answer came in parts');
      // Errors before there is a context do not know by which request they came.
      const text = status && status >= 400 ? nameRequest(body.string, request.id) : body.string;
      return reply
        .code(status ?? 200)
        .headers(Object.fromEntries(headers))
        .send(text);
    },
  });
  return () => apollo.stop();
}

/** What happens around every request: what it may cost, how fresh its data are, and its end. */
function createRequestPlugin({ admission }: Services): ApolloServerPlugin<Context> {
  return {
    requestDidStart: async () => {
      let admitted: Admitted | undefined;
      return {
        didResolveOperation: async ({ document, operation, request, contextValue }) => {
          if (!operation) return;
          if (operation.operation === 'subscription') {
            throw createRefusal(
              'BAD_REQUEST',
              'A subscription is asked over a WebSocket at this path, or by POST to the same path with /stream after it.',
            );
          }
          admitted = await admission.admit(
            contextValue.identity,
            document,
            operation,
            request.variables ?? {},
          );
          contextValue.expect(admitted);
        },
        didEncounterErrors: async ({ errors, contextValue }) => {
          for (const error of errors) error.extensions['requestId'] = contextValue.requestId;
        },
        willSendResponse: async ({ contextValue, response }) => {
          const dataAsOfMs = contextValue.reading.dataAsOfMs();
          if (dataAsOfMs !== null) {
            response.http.headers.set('x-odograph-data-as-of', new Date(dataAsOfMs).toISOString());
          }
          if (admitted && response.body.kind === 'single') {
            response.body.singleResult.extensions = showCost(admitted);
          }
          await contextValue.reading.end();
        },
      };
    },
  };
}

function toHttpRequest({ method, url, headers, body }: FastifyRequest): HTTPGraphQLRequest {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const query = url.indexOf('?');
  return { method, headers: map, body, search: query < 0 ? '' : url.slice(query) };
}

/** What is asked, as far as it can be read; what cannot is Apollo Server's to refuse. */
function toQuestion({ method, query, body }: FastifyRequest): {
  readonly query?: unknown;
  readonly extensions?: unknown;
} {
  if (method === 'POST') return typeof body === 'object' && body !== null ? body : {};
  const { extensions, ...rest } = query as Readonly<Record<string, unknown>>;
  try {
    return { ...rest, extensions: JSON.parse(String(extensions)) as unknown };
  } catch {
    return rest;
  }
}

/** Apollo Server takes what a rule throws for a surprise, so that this is looked for before its rules. */
function checkSubscription({ query }: { readonly query?: unknown }): void {
  if (typeof query !== 'string' || !query.includes('subscription')) return;
  let document: DocumentNode;
  try {
    document = parse(query, { maxTokens: MAX_TOKENS });
  } catch {
    return;
  }
  refuseConditionalSubscription(document);
}

/** Apollo Server puts this before the ids that it asks a cache for. */
const PREFIX = 'apq:';

function toCache(operations: Operations) {
  const bare = (key: string) => key.slice(PREFIX.length);
  return {
    get: async (key: string) => operations.find(bare(key)),
    set: async (key: string, text: string) => operations.register(bare(key), text),
    delete: async () => false,
  };
}

function nameRequest(payload: string, requestId: string): string {
  if (!payload.startsWith('{"errors"')) return payload;
  const { errors, ...rest } = JSON.parse(payload) as { readonly errors: readonly GraphQLError[] };
  const named = errors.map((error) => ({
    ...error,
    extensions: { ...error.extensions, requestId },
  }));
  return JSON.stringify({ errors: named, ...rest });
}
