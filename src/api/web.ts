import { randomUUID } from 'node:crypto';
import compress from '@fastify/compress';
import cors from '@fastify/cors';
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import Fastify, { LogController } from 'fastify';
import { MAX_BODY_BYTES } from './limits.ts';

export interface WebSettings {
  /** Origins of pages that may send requests; none if empty. */
  readonly corsOrigins: readonly string[];
  /** Addresses and networks of the proxies in front of us, whose `X-Forwarded-*` and `X-Request-Id` are trusted. */
  readonly trustProxy: readonly string[];
  readonly log: FastifyBaseLogger;
  /** How long a whole request, head and body, may take to arrive, milliseconds; 30,000 if not given. */
  readonly requestTimeoutMs?: number | undefined;
}

const SENT_ID = /^[\w.:-]{8,128}$/;
/** Smaller answers are not compressed, bytes. */
const COMPRESS_FROM_BYTES = 2_048;

const REQUEST_TIMEOUT_MS = 30_000;
/** How often Node looks for requests that take too long. */
const TIMEOUT_CHECK_MS = 5_000;

/** An HTTP server without routes: request ids, CORS, compression, limits, and errors for people. */
export async function createWeb(settings: WebSettings): Promise<FastifyInstance> {
  const { corsOrigins, trustProxy, log, requestTimeoutMs = REQUEST_TIMEOUT_MS } = settings;
  const behindProxy = trustProxy.length > 0;
  const app: FastifyInstance = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: requestTimeoutMs,
    http: {
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, requestTimeoutMs),
    },
    trustProxy: behindProxy ? [...trustProxy] : false,
    requestIdHeader: false,
    genReqId: ({ headers }) => {
      const sent = headers['x-request-id'];
      return behindProxy && typeof sent === 'string' && SENT_ID.test(sent) ? sent : randomUUID();
    },
    forceCloseConnections: true,
  });
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  if (corsOrigins.length > 0) {
    await app.register(cors, {
      origin: [...corsOrigins],
      methods: ['GET', 'POST'],
      exposedHeaders: ['x-odograph-data-as-of', 'x-request-id', 'retry-after'],
      maxAge: 600,
      strictPreflight: false,
    });
  }
  await app.register(compress, { threshold: COMPRESS_FROM_BYTES, encodings: ['br', 'gzip'] });
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error({ err: error, requestId: request.id }, 'a request failed');
    await reply.code(status).send(toBody(status < 500, error.message, request.id));
  });
  app.setNotFoundHandler(async (request, reply) => {
    await reply.code(404).send(toBody(true, `There is nothing at ${request.url}.`, request.id));
  });
  return app;
}

/**
 * A signal that is aborted when the client disconnects before the response is finished. `request.signal`
 * does not serve: a request is closed once its body was read.
 */
export function untilClosed({ raw }: FastifyReply): AbortSignal {
  const closed = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) closed.abort();
  });
  return closed.signal;
}

function toBody(theirs: boolean, message: string, requestId: string) {
  const error = theirs
    ? { message, extensions: { code: 'BAD_REQUEST', requestId } }
    : {
        message: `Something went wrong in the server; its log has the details under request ${requestId}.`,
        extensions: { code: 'INTERNAL_SERVER_ERROR', requestId },
      };
  return { errors: [error] };
}
