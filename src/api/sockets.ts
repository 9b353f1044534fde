import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionResult } from 'graphql';
import { GraphQLError } from 'graphql';
import { CloseCode } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import type { Services } from './context.ts';
import { createError } from './errors.ts';
import type { Prepared } from './execute.ts';
import { prepare, runOnce, runStream } from './execute.ts';
import type { Identity } from './identity.ts';
import { MAX_BODY_BYTES } from './limits.ts';
import type { Ending } from './sessions.ts';
import { spreadOutMs } from './sessions.ts';

/** Bytes that may wait for a slow client's socket; then its messages wait in the store. */
const MAX_BUFFERED_BYTES = 64 * 1024;
/** How long a client has for its part of closing, milliseconds. */
const CLOSE_MS = 2_000;
/** Operations at once on one socket, mostly subscriptions. */
const MAX_OPERATIONS = 100;
/** Close codes that graphql-ws has no names for; 4000 to 4999 are for applications. */
const SERVICE_RESTART = 1012;
const TRY_AGAIN_LATER = 1013;
const TOO_SLOW = 4408;

interface Connected {
  readonly socket: WebSocket;
  identity?: Identity;
  /** Aborted when the socket closes. */
  signal?: AbortSignal;
}
type Extra = Connected & Record<PropertyKey, unknown>;

/** What a subscription on a socket is run with. */
type OnSocket = Prepared & {
  readonly contextValue: { readonly socket: WebSocket; readonly operationId: string };
};

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
  sockets.on('connection', (socket) => keep(socket, services));

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
          const leave = services.sessions.addFor(identity);
          extra.socket.once('close', leave);
          extra.identity = identity;
          tokens.set(extra.socket, identity.expiresAtMs);
          const closed = new AbortController();
          setMaxListeners(MAX_OPERATIONS, closed.signal);
          extra.signal = closed.signal;
          extra.socket.once('close', () => closed.abort());
          if (extra.socket.readyState !== extra.socket.OPEN) {
            leave();
            closed.abort();
          }
          return true;
        } catch (error) {
          refuse(extra.socket, error);
          return false;
        }
      },
      onSubscribe: async ({ extra: { identity, signal, socket }, subscriptions }, id, request) => {
        if (!identity || !signal)
          throw new Error('an operation came before its connection was acknowledged');
        if (Object.keys(subscriptions).length > MAX_OPERATIONS) {
          const error = createError(
            'COST_LIMIT_EXCEEDED',
            `A socket carries at most ${MAX_OPERATIONS} operations at once: open another socket.`,
          );
          return [error];
        }
        const caller = { identity, requestId: randomUUID(), signal };
        const prepared = await prepare(request, caller, services);
        if (!('document' in prepared)) return prepared;
        const contextValue = { ...prepared.contextValue, socket, operationId: id };
        return { ...prepared, contextValue };
      },
      execute: (args) => runOnce(args as Prepared, services) as never,
      subscribe: async (args) => {
        const { socket, operationId, ...contextValue } = (args as OnSocket).contextValue;
        const messages = await runStream({ ...args, contextValue } as Prepared, services);
        if (!(Symbol.asyncIterator in messages)) return messages;
        return sendAll(socket, operationId, messages);
      },
    },
    sockets,
  );
  return async () => {
    const closed = [...sockets.clients].map(
      (socket) => new Promise((resolve) => socket.once('close', resolve)),
    );
    await Promise.race([Promise.all(closed), sleep(CLOSE_MS)]);
    for (const socket of sockets.clients) socket.terminate();
    await disposable.dispose();
  };
}

/** When the token of a socket expires. */
const tokens = new WeakMap<WebSocket, number>();

function keep(socket: WebSocket, { sessions }: Services): void {
  try {
    const leave = sessions.add({
      get expiresAtMs() {
        return tokens.get(socket);
      },
      waitingBytes: () => socket.bufferedAmount,
      end: (why) => end(socket, why),
    });
    socket.once('close', leave);
  } catch (error) {
    refuse(socket, error);
  }
}

function end(socket: WebSocket, why: Ending): void {
  switch (why) {
    case 'EXPIRED':
      return socket.close(CloseCode.Forbidden, 'The token has expired: reconnect with a new one');
    case 'TOO_SLOW':
      socket.close(TOO_SLOW, 'Too slow: reconnect and resume with after');
      setTimeout(() => socket.terminate(), CLOSE_MS).unref();
      return;
    case 'RESTART':
      return socket.close(
        SERVICE_RESTART,
        `service restart: reconnect in ${(spreadOutMs() / 1000).toFixed(1)} s and resume with after`,
      );
  }
}

/** Closes a socket that was not accepted: for good, or until a stated time where the client did nothing wrong. */
function refuse(socket: WebSocket, error: unknown): void {
  const { message, extensions } =
    error instanceof GraphQLError ? error : new GraphQLError('Something went wrong in the server.');
  const { code = 'INTERNAL_SERVER_ERROR' } = extensions as { readonly code?: string };
  const isOurs = code !== 'UNAUTHENTICATED';
  socket.close(isOurs ? TRY_AGAIN_LATER : CloseCode.Unauthorized, limit(`${code}: ${message}`));
}

/**
 * Sends the messages of a subscription; nothing is left for graphql-ws to write but the end. While more than a little
 * waits for the client to take it, the next message is not asked for.
 */
function sendAll(
  socket: WebSocket,
  operationId: string,
  messages: AsyncIterableIterator<string>,
): AsyncGenerator<ExecutionResult> {
  const head = `{"id":${JSON.stringify(operationId)},"type":"next","payload":`;
  const done = { value: undefined, done: true } as const;
  const stream = {
    next: async () => {
      for (;;) {
        const message = await messages.next();
        if (message.done === true || socket.readyState !== socket.OPEN) return done;
        const sent = send(socket, `${head}${message.value}}`);
        if (socket.bufferedAmount > MAX_BUFFERED_BYTES) await sent;
      }
    },
    return: async () => {
      await messages.return?.();
      return done;
    },
    throw: () => stream.return(),
    [Symbol.asyncIterator]: () => stream,
    [Symbol.asyncDispose]: async () => {
      await stream.return();
    },
  };
  return stream;
}

/** Resolves when the system has taken the text, or the socket is closed. */
function send(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve) => socket.send(text, () => resolve()));
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

/** A close reason has at most 123 bytes. */
function limit(reason: string): string {
  return reason.length <= 120 ? reason : `${reason.slice(0, 119)}…`;
}
