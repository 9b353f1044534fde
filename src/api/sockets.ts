import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Server } from 'node:http';
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
import type { Identity } from './identity.ts';
import { MAX_BODY_BYTES } from './limits.ts';

/** Bytes that may wait for a slow client's socket, and how often that is checked, milliseconds. */
const MAX_BUFFERED_BYTES = 4_000_000;
const SLOW_CHECK_MS = 5_000;
/** Operations at once on one socket, mostly subscriptions. */
const MAX_OPERATIONS = 100;
/** Close code for a client that does not keep up; 4000 to 4999 are for applications. */
const TOO_SLOW = 4408;

interface Connected {
  readonly socket: WebSocket;
  identity?: Identity;
  /** Aborted when the socket closes. */
  signal?: AbortSignal;
}
type Extra = Connected & Record<PropertyKey, unknown>;

/** Serves graphql-transport-ws on `path` of a server. @returns a function that stops it */
export function serveSockets({
  server,
  path,
  services,
}: {
  server: Server;
  path: string;
  services: Services;
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
      schema: services.schema,
      connectionInitWaitTimeout: 10_000,
      jsonMessageReviver: fillInQuery,
      onConnect: async ({ connectionParams, extra }) => {
        const header = connectionParams?.Authorization ?? connectionParams?.authorization;
        try {
          const identity = await services.steps.authenticate(
            typeof header === 'string' ? header : undefined,
          );
          extra.identity = identity;
          // The client reconnects with a new token and `after`.
          const cancel = atExpiry(identity, services.now(), () =>
            extra.socket.close(
              CloseCode.Forbidden,
              'The token has expired: reconnect with a new one',
            ),
          );
          const closed = new AbortController();
          setMaxListeners(MAX_OPERATIONS, closed.signal);
          extra.signal = closed.signal;
          extra.socket.once('close', () => {
            cancel();
            closed.abort();
          });
          return true;
        } catch (error) {
          const reason = error instanceof Error ? error.message : 'the token was not accepted';
          extra.socket.close(CloseCode.Unauthorized, limit(`UNAUTHENTICATED: ${reason}`));
          return false;
        }
      },
      onSubscribe: async ({ extra: { identity, signal }, subscriptions }, _id, request) => {
        if (!identity || !signal)
          throw new Error('an operation came before its connection was acknowledged');
        if (Object.keys(subscriptions).length > MAX_OPERATIONS) {
          const error = createError(
            'COST_LIMIT_EXCEEDED',
            `A socket carries at most ${MAX_OPERATIONS} operations at once: open another socket.`,
          );
          return [error];
        }
        return prepare(request, { identity, requestId: randomUUID(), signal }, services);
      },
      execute: (args) => runOnce(args as Prepared, services) as never,
      subscribe: (args) => {
        const operation = getOperationAST(args.document, args.operationName);
        if (operation?.operation !== 'subscription') throw new Error('not a subscription');
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
 * The protocol requires a text with every operation; Apollo Kotlin sends none with an id. Changes only the
 * whole message, whose key is empty, and leaves variables alone.
 */
function fillInQuery(key: string, value: unknown): unknown {
  if (key !== '' || typeof value !== 'object' || value === null) return value;
  const { type, payload } = value as { readonly type?: unknown; readonly payload?: unknown };
  if (type !== 'subscribe' || typeof payload !== 'object' || payload === null) return value;
  const isById = 'extensions' in payload && !('query' in payload);
  return isById ? { ...value, payload: { ...payload, query: '' } } : value;
}

/**
 * Streams wait for the socket to accept each message, so little is buffered. A client that reads
 * nothing for long is disconnected; it resumes with `after` and misses nothing.
 */
function closeWhenSlow(socket: WebSocket): void {
  let wasFull = false;
  let before = 0;
  const timer = setInterval(() => {
    const waiting = socket.bufferedAmount;
    const stuck = waiting > MAX_BUFFERED_BYTES || (waiting > 0 && waiting >= before && before > 0);
    if (stuck && wasFull) {
      socket.close(TOO_SLOW, 'Too slow: reconnect and resume with after');
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
