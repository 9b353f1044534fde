import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GraphQLError } from 'graphql';
import type { GraphQLSchema } from 'graphql';
import type { Response } from 'graphql-sse';
import { createHandler } from 'graphql-sse/lib/use/fastify';
import type { Services } from './context.ts';
import type { Prepared } from './execute.ts';
import { prepare, runOnce, runStream } from './execute.ts';
import { atExpiry } from './identity.ts';
import type { Authenticate, Identity } from './identity.ts';

/**
 * Serves subscriptions as server-sent events, for who cannot have a WebSocket, by the same rules.
 * Each stream has its own request and its own token, and ends when that expires.
 */
export function serveEventStream({
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
}): void {
  const askers = new WeakMap<FastifyRequest, Identity>();
  const handle = createHandler<Prepared['contextValue'] & Record<PropertyKey, unknown>>({
    schema,
    authenticate: async ({ raw, context }) => {
      try {
        const identity = await authenticate(raw.headers.authorization);
        askers.set(raw, identity);
        const cancel = atExpiry(identity, services.streams.now(), () => context.reply.raw.end());
        context.reply.raw.once('close', cancel);
        return null;
      } catch (error) {
        if (!(error instanceof GraphQLError)) throw error;
        return refuse(error, raw.id);
      }
    },
    onSubscribe: async ({ raw }, question) => {
      const identity = askers.get(raw);
      if (!identity) throw new Error('an event stream was opened without a token');
      const prepared = await prepare(schema, question, { identity, requestId: raw.id }, services);
      return 'document' in prepared
        ? { ...prepared, contextValue: { ...prepared.contextValue } }
        : { errors: prepared };
    },
    execute: (args) => runOnce(args, services),
    subscribe: (args) => runStream(args, services),
  });
  app.route({
    method: ['GET', 'POST'],
    url: path,
    handler: async (request, reply) => {
      reply.hijack();
      await handle(request, reply);
    },
  });
}

function refuse({ message, extensions }: GraphQLError, requestId: string): Response {
  const { code } = extensions;
  return [
    JSON.stringify({ errors: [{ message, extensions: { code, requestId } }] }),
    {
      status: 401,
      statusText: 'Unauthorized',
      headers: { 'content-type': 'application/json; charset=utf-8' },
    },
  ];
}
