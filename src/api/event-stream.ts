import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GraphQLError } from 'graphql';
import type { GraphQLSchema } from 'graphql';
import type { Response } from 'graphql-sse';
import { createHandler } from 'graphql-sse/lib/use/fastify';
import type { Services } from './context.ts';
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
  const handle = createHandler<Asker>({
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
        return refuse(error);
      }
    },
    onSubscribe: ({ raw }, question) => {
      const identity = askers.get(raw);
      if (!identity) throw new Error('an event stream was opened without a token');
      const prepared = prepare(schema, question, services.log);
      return 'document' in prepared
        ? { ...prepared, contextValue: { identity, requestId: raw.id } }
        : { errors: prepared };
    },
    execute: (args) => {
      const { identity, requestId } = args.contextValue;
      return runOnce(args, services, identity, requestId);
    },
    subscribe: (args) => {
      const { identity, requestId } = args.contextValue;
      return runStream(args, services, identity, requestId);
    },
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

type Asker = Record<PropertyKey, unknown> & {
  readonly identity: Identity;
  readonly requestId: string;
};

function refuse({ message, extensions }: GraphQLError): Response {
  const { code } = extensions;
  return [
    JSON.stringify({ errors: [{ message, extensions: { code } }] }),
    {
      status: 401,
      statusText: 'Unauthorized',
      headers: { 'content-type': 'application/json; charset=utf-8' },
    },
  ];
}
