import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Services } from './context.ts';
import { toFailure } from './errors.ts';
import { prepare, runOnce, runStream } from './execute.ts';
import type { Identity } from './identity.ts';
import { readRequest } from './graphql-request.ts';
import type { Ending } from './sessions.ts';
import { spreadOutMs } from './sessions.ts';
import { untilClosed } from './web.ts';

/** How messages are written into a response that stays open. */
interface Format {
  readonly contentType: string;
  readonly start: string;
  message(text: string): string;
  /** Tells the client, and proxies in between, that the connection lives. */
  readonly ping: string;
  /** The stream is complete. */
  readonly end: string;
  /** The connection is ended, and the client may come back after some time. */
  broken(retryMs: number): string;
}

/** https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md, one connection for each operation. */
const SERVER_SENT_EVENTS: Format = {
  contentType: 'text/event-stream; charset=utf-8',
  start: '',
  message: (text) => `event: next\ndata: ${text}\n\n`,
  ping: ':\n\n',
  end: 'event: complete\ndata: \n\n',
  broken: (retryMs) => `retry: ${retryMs}\n\n`,
};

/** https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol */
const MULTIPART: Format = {
  contentType: 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
  start: '--graphql',
  message: (text) => part(`{"payload":${text}}`),
  ping: part('{}'),
  end: '--\r\n',
  broken: (retryMs) =>
    `${part(
      JSON.stringify({
        payload: null,
        errors: [
          {
            message: 'The server ends this connection: resume with after.',
            extensions: { code: 'UNAVAILABLE', retryAfterS: Math.ceil(retryMs / 1000) },
          },
        ],
      }),
    )}--\r\n`,
};

/** Ends with the next boundary, by which clients know that the part is whole. */
function part(json: string): string {
  return `\r\ncontent-type: application/json\r\n\r\n${json}\r\n--graphql`;
}

const PING_MS = 12_000;
/** Bytes that may wait for a slow client; then its messages wait in the store. */
const MAX_BUFFERED_BYTES = 64 * 1024;

/** Serves operations as streams over HTTP, with the same rules as sockets; each has its own request and token. */
export function serveHttpStreams(app: FastifyInstance, path: string, services: Services): void {
  app.route({
    method: ['GET', 'POST'],
    url: path,
    handler: async (request, reply) => {
      const format = wantsMultipart(request) ? MULTIPART : SERVER_SENT_EVENTS;
      return answerInParts(request, reply, format, services);
    },
  });
}

/** Whether a client asks for a subscription as Apollo's clients do over HTTP. */
export function wantsMultipart({ headers }: FastifyRequest): boolean {
  return /multipart\/mixed[^,]*subscriptionSpec=/i.test(headers.accept ?? '');
}

export async function answerMultipart(
  request: FastifyRequest,
  reply: FastifyReply,
  services: Services,
): Promise<FastifyReply> {
  return answerInParts(request, reply, MULTIPART, services);
}

async function answerInParts(
  request: FastifyRequest,
  reply: FastifyReply,
  format: Format,
  services: Services,
): Promise<FastifyReply> {
  const { steps, sessions, log } = services;
  const { raw } = reply;
  const leaves: (() => void)[] = [];
  const leave = () => {
    for (const each of leaves.splice(0)) each();
  };
  let identity: Identity;
  try {
    identity = await steps.authenticate(request.headers.authorization);
    const { expiresAtMs } = identity;
    const waitingBytes = () => raw.writableLength;
    leaves.push(sessions.add({ expiresAtMs, waitingBytes, end: (why) => end(raw, format, why) }));
    leaves.push(sessions.addFor(identity));
  } catch (error) {
    leave();
    const { status, headers, body } = toFailure(error, request.id, log);
    return reply.code(status).headers(headers).send(body);
  }
  const ping = setInterval(() => raw.write(format.ping), PING_MS);
  leaves.push(() => clearInterval(ping));
  raw.once('close', leave);
  // A write after the client has left or the session was ended: nothing more is to be sent.
  raw.on('error', () => raw.destroy());
  const signal = untilClosed(reply);
  reply.hijack();
  raw.writeHead(200, {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    'content-type': format.contentType,
    'cache-control': 'no-cache, no-transform',
    // nginx and others that know the header pass each part on at once.
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();
  raw.write(format.start);
  try {
    const caller = { identity, requestId: request.id, signal };
    const prepared = await prepare(readRequest(request), caller, services);
    if (!('document' in prepared)) {
      raw.write(format.message(JSON.stringify({ data: null, errors: prepared })));
    } else {
      const result = await (prepared.isSubscription
        ? runStream(prepared, services)
        : runOnce(prepared, services));
      if (Symbol.asyncIterator in result) await sendAll(raw, format, result, signal);
      else raw.write(format.message(JSON.stringify(result)));
    }
    // A session that was ended for another reason has had its last message.
    if (!raw.writableEnded) raw.end(format.end);
  } catch (error) {
    log.error({ err: error, requestId: request.id }, 'a stream failed');
    raw.destroy();
  }
  return reply;
}

async function sendAll(
  raw: ServerResponse,
  format: Format,
  messages: AsyncIterableIterator<string>,
  signal: AbortSignal,
): Promise<void> {
  const stop = () => void messages.return?.();
  signal.addEventListener('abort', stop);
  try {
    for await (const text of messages) {
      if (signal.aborted) return;
      raw.write(format.message(text));
      if (raw.writableLength > MAX_BUFFERED_BYTES) await drained(raw);
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Resolves when the client has taken what waited for it, or is gone. */
function drained(raw: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      raw.off('drain', done);
      raw.off('close', done);
      resolve();
    };
    raw.once('drain', done);
    raw.once('close', done);
  });
}

/** Ends a stream that is not complete: what follows `broken` is missing, so that clients come back. */
function end(raw: ServerResponse, format: Format, why: Ending): void {
  if (why === 'TOO_SLOW') {
    raw.destroy();
    return;
  }
  if (why === 'EXPIRED') {
    const error = {
      message: 'The token has expired: reconnect with a new one and resume with after.',
      extensions: { code: 'UNAUTHENTICATED' },
    };
    raw.write(format.message(JSON.stringify({ errors: [error] })));
  }
  raw.end(format.broken(why === 'EXPIRED' ? 0 : spreadOutMs()));
}
