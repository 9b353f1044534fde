import type { ApolloServerPlugin, HTTPGraphQLRequest } from '@apollo/server';
import { ApolloServer, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
} from '@apollo/server/plugin/disabled';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GraphQLError } from 'graphql';
import { showCost } from './admission.ts';
import type { Context, Services } from './context.ts';
import { createContext } from './context.ts';
import { createRefusal, formatError } from './errors.ts';
import { limitRules, MAX_TOKENS } from './limits.ts';
import { answerMultipart, wantsMultipart } from './http-streams.ts';
import { readRequest } from './graphql-request.ts';
import { toObject } from './untrusted.ts';
import { untilClosed } from './web.ts';

/** Serves queries and mutations over HTTP. @returns a function that stops it */
export async function serveHttp({
  app,
  path,
  services,
}: {
  app: FastifyInstance;
  path: string;
  services: Services;
}): Promise<() => Promise<void>> {
  const { schema, log, steps } = services;
  const apollo = new ApolloServer<Context>({
    schema,
    validationRules: [...limitRules],
    parseOptions: { maxTokens: MAX_TOKENS },
    hideSchemaDetailsFromClientErrors: false,
    includeStacktraceInErrorResponses: false,
    introspection: true,
    stopOnTerminationSignals: false,
    logger: log,
    // Persisted texts are resolved before Apollo Server sees the request.
    persistedQueries: false,
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
      if (wantsMultipart(request)) return answerMultipart(request, reply, services);
      const httpGraphQLRequest = toHttpRequest(request);
      const { status, headers, body } = await apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest,
        context: async () => {
          const identity = await steps.authenticate(request.headers.authorization);
          const text = await steps.accept(identity, readRequest(request));
          Object.assign(httpGraphQLRequest, withText(request, text));
          const signal = untilClosed(reply);
          return createContext(services, { identity, requestId: request.id, signal });
        },
      });
      if (body.kind !== 'complete') throw new Error('an answer came in parts');
      // Errors before there is a context do not know their request.
      const text = status && status >= 400 ? nameRequest(body.string, request.id) : body.string;
      return reply
        .code(status ?? 200)
        .headers(Object.fromEntries(headers))
        .send(text);
    },
  });
  return () => apollo.stop();
}

/** Admits each operation, reports how fresh its data are, and ends its reads. */
function createRequestPlugin({ steps }: Services): ApolloServerPlugin<Context> {
  return {
    requestDidStart: async () => ({
      didResolveOperation: async ({ document, operation, request, contextValue }) => {
        if (!operation) return;
        if (operation.operation === 'subscription') {
          throw createRefusal(
            'BAD_REQUEST',
            'Send a subscription over a WebSocket to this path, or by POST to the same path followed by /stream.',
          );
        }
        contextValue.operation.admitted = await steps.admit(
          contextValue.identity,
          document,
          operation,
          request.variables ?? {},
        );
      },
      didEncounterErrors: async ({ errors, contextValue }) => {
        for (const error of errors) {
          error.extensions['requestId'] = contextValue.requestId;
          steps.hideHints(contextValue.identity, error);
        }
      },
      willSendResponse: async ({ contextValue, response }) => {
        const { operation, reading } = contextValue;
        const dataAsOfMs = reading.dataAsOfMs();
        if (dataAsOfMs !== null) {
          response.http.headers.set('x-odograph-data-as-of', new Date(dataAsOfMs).toISOString());
        }
        if (operation.admitted && response.body.kind === 'single') {
          response.body.singleResult.extensions = showCost(operation.admitted);
        }
        await reading.end();
      },
    }),
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

/** The parts of an HTTP request that carry the text, with the resolved text instead of its id. */
function withText(request: FastifyRequest, text: string): Partial<HTTPGraphQLRequest> {
  if (toObject(readRequest(request).extensions)['persistedQuery'] == null) return {};
  if (request.method === 'POST') {
    const { extensions: _, ...rest } = toObject(request.body);
    return { body: { ...rest, query: text } };
  }
  const parameters = new URLSearchParams(request.url.slice(request.url.indexOf('?')));
  parameters.delete('extensions');
  parameters.set('query', text);
  return { search: `?${parameters.toString()}` };
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
