import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import { getOperationAST } from 'graphql';
import { CloseCode } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import type { Services } from './context.ts';
import { createError } from './errors.ts';
import type { Prepared } from './execute.ts';
import { prepare, runOnce, runStream } from './execute.ts';
import { atExpiry } from './identity.ts';
import type { Authenticate, Identity } from './identity.ts';
import { MAX_BODY_BYTES } from './limits.ts';

/** Bytes that may wait for a slow client's socket, and for how long, milliseconds. */
const MAX_BUFFERED_BYTES = 4_000_000;
const SLOW_CHECK_MS = 5_000;
/** Operations under way on one socket, subscriptions above all. */
const MAX_OPERATIONS = 100;
/** Close code for a client that does not keep up; 4000 to 4999 are the application's. */
const TOO_SLOW = 4408;

interface Connected {
  readonly socket: WebSocket;
  identity?: Identity;
  /** Aborted when the socket is closed. */
  gone?: AbortSignal;
}
type Extra = Connected & Record<PropertyKey, unknown>;

/** Serves graphql-transport-ws on `path` of a server. Returns what ends it. */
export function serveSockets({
  server,
  path,
  schema,
  services,
  authenticate,
}: {
  server: Server;
  path: string;
  schema: GraphQLSchema;
  services: Services;
  authenticate: Authenticate;
}): () => Promise<void> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_BODY_BYTES });
  server.on('upgrade', (request, socket, head) => {
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== path) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      sockets.emit('connection', client, request);
    });
  });
  sockets.on('connection', closeWhenSlow);

  const disposable = useServer<{ Authorization?: unknown; authorization?: unknown }, Extra>(
    {
      schema,
      connectionInitWaitTimeout: 10_000,
      jsonMessageReviver: fillInQuery,
      onConnect: async ({ connectionParams, extra }) => {
        const header = connectionParams?.Authorization ?? connectionParams?.authorization;
        try {
          const identity = await authenticate(typeof header === 'string' ? header : undefined);
          extra.identity = identity;
          // An old token's socket ends; its client comes back with a new one and `after`.
          const cancel = atExpiry(identity, services.streams.now(), () =>
            extra.socket.close(
              CloseCode.Forbidden,
              'The token has expired: come back with a new one',
            ),
          );
          const gone = new AbortController();
          extra.gone = gone.signal;
          extra.socket.once('close', () => {
            cancel();
            gone.abort();
          });
          return true;
        } catch (error) {
          const reason = error instanceof Error ? error.message : 'the token was not accepted';
          extra.socket.close(CloseCode.Unauthorized, limit(`UNAUTHENTICATED: ${reason}`));
          return false;
        }
      },
      onSubscribe: async ({ extra: { identity, gone }, subscriptions }, _id, question) => {
        if (!identity || !gone)
          throw new Error('an operation came before its connection was acknowledged');
        if (Object.keys(subscriptions).length > MAX_OPERATIONS) {
          const error = createError(
            'COST_LIMIT_EXCEEDED',
            `A socket carries at most ${MAX_OPERATIONS} operations at once: open another one.`,
          );
          return [error];
        }
        return prepare(schema, question, { identity, requestId: randomUUID(), gone }, services);
      },
      execute: (args) => runOnce(args as Prepared, services) as never,
      subscribe: (args) => {
        const operation = getOperationAST(args.document, args.operationName);
        if (operation?.operation !== 'subscription') throw new Error('no subscription');
        return runStream(args as Prepared, services) as never;
      },
    },
    sockets,
  );
  return async () => {
    await disposable.dispose();
  };
}

/**
 * The protocol wants a text with every operation; Apollo Kotlin sends none where it asks by an id. Looks at the message as a
 * whole, whose key is empty: what variables hold stays as it is.
 */
function fillInQuery(key: string, value: unknown): unknown {
  if (key !== '' || typeof value !== 'object' || value === null) return value;
  const { type, payload } = value as { readonly type?: unknown; readonly payload?: unknown };
  if (type !== 'subscribe' || typeof payload !== 'object' || payload === null) return value;
  const isById = 'extensions' in payload && !('query' in payload);
  return isById ? { ...value, payload: { ...payload, query: '' } } : value;
}

/**
 * Streams wait for the socket to take each message, so little piles up here. A client that takes
 * nothing for long is let go; it resumes with `after` and misses nothing.
 */
function closeWhenSlow(socket: WebSocket): void {
  let wasFull = false;
  let before = 0;
  const timer = setInterval(() => {
    const waiting = socket.bufferedAmount;
    const stuck = waiting > MAX_BUFFERED_BYTES || (waiting > 0 && waiting >= before && before > 0);
    if (stuck && wasFull) {
      socket.close(TOO_SLOW, 'Too slow: connect again and resume with after');
      setTimeout(() => socket.terminate(), SLOW_CHECK_MS).unref();
    }
    wasFull = stuck;
    before = waiting;
  }, SLOW_CHECK_MS);
  timer.unref();
  socket.once('close', () => clearInterval(timer));
}

/** A close reason has at most 123 bytes. */
function limit(reason: string): string {
  return reason.length <= 120 ? reason : `${reason.slice(0, 119)}…`;
}
