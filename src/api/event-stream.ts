import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GraphQLError } from 'graphql';
import type { Response } from 'graphql-sse';
import { createHandler } from 'graphql-sse/lib/use/fastify';
import type { Services } from './context.ts';
import type { Prepared } from './execute.ts';
import { prepare, runOnce, runStream } from './execute.ts';
import type { Identity } from './identity.ts';
import { atExpiry } from './identity.ts';
import { toObject } from './untrusted.ts';
import { untilClosed } from './web.ts';

interface Opened {
  readonly identity: Identity;
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal;
}

/**
 * Serves subscriptions as server-sent events, for clients that cannot use WebSockets, with the same rules.
 * Each stream has its own request and token, and ends when the token expires.
 */
export function serveEventStream({
  app,
  path,
  services,
}: {
  app: FastifyInstance;
  path: string;
  services: Services;
}): void {
  const opened = new WeakMap<FastifyRequest, Opened>();
  const handle = createHandler<Prepared['contextValue'] & Record<PropertyKey, unknown>>({
    schema: services.schema,
    authenticate: async ({ raw, context: { reply } }) => {
      try {
        const identity = await services.steps.authenticate(raw.headers.authorization);
        opened.set(raw, { identity, signal: untilClosed(reply) });
        const cancel = atExpiry(identity, services.now(), () => reply.raw.end());
        reply.raw.once('close', cancel);
        return null;
      } catch (error) {
        if (!(error instanceof GraphQLError)) throw error;
        return refuse(error, raw.id);
      }
    },
    onSubscribe: async ({ raw }, request) => {
      const caller = opened.get(raw);
      if (!caller) throw new Error('an event stream was opened without a token');
      const prepared = await prepare(request, { ...caller, requestId: raw.id }, services);
      return 'document' in prepared
        ? { ...prepared, contextValue: { ...prepared.contextValue } }
        : { data: null, errors: prepared };
    },
    execute: (args) => runOnce(args, services),
    subscribe: (args) => runStream(args, services),
  });
  app.route({
    method: ['GET', 'POST'],
    url: path,
    handler: async (request, reply) => {
      reply.hijack();
      fillInQuery(request);
      await handle(request, reply);
    },
  });
}

/** graphql-sse requires a text with every operation; one with an id may have none. */
function fillInQuery(request: FastifyRequest): void {
  if (request.method === 'POST') {
    const body = toObject(request.body);
    if ('extensions' in body && !('query' in body)) request.body = { ...body, query: '' };
  } else if ('extensions' in toObject(request.query) && !('query' in toObject(request.query))) {
    request.raw.url = `${request.url}&query=`;
  }
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
