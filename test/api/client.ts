import { createClient } from 'graphql-ws';
import { SignJWT } from 'jose';
import pino from 'pino';
import WebSocket from 'ws';
import type { Api } from '../../src/api/server.ts';
import { startApi } from '../../src/api/server.ts';
import type { TestDatabase } from '../support/database.ts';

export const SECRET = 'a secret that only tests know, long enough';

export interface Claims {
  readonly role: 'DRIVER' | 'INSURER' | 'ACTUARY' | 'CLAIMS' | 'OPERATOR';
  readonly tenant?: string;
  readonly driver?: string;
  readonly sub?: string;
  readonly microdata?: boolean;
}

export function signToken(claims: Claims, ttlS = 600, secret = SECRET): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(Math.floor(Date.now() / 1000) + ttlS)
    .sign(new TextEncoder().encode(secret));
}

export function startTestApi(
  database: Pick<TestDatabase, 'apiUrl'>,
  options: Partial<Parameters<typeof startApi>[0]> = {},
): Promise<Api> {
  return startApi({
    host: '127.0.0.1',
    port: 0,
    storeUrl: database.apiUrl,
    auth: { jwtSecret: SECRET },
    corsOrigins: [],
    log: pino({ level: process.env['LOG_LEVEL'] ?? 'fatal' }),
    ...options,
  });
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the shape is the query's
  readonly data: any;
  readonly errors: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly extensions: {
      readonly code: string;
      readonly requestId?: string;
      readonly retryAfterS?: number;
    };
  }[];
}

/** The header that a client sends its token in. */
async function authorize(claims: Claims): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await signToken(claims)}` };
}

/** A GraphQL request. */
interface Question {
  readonly query?: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly operationName?: string;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

interface Body extends Partial<Pick<Answer, 'data' | 'errors'>> {
  readonly extensions?: unknown;
}

/** Sends a request unchanged over HTTP. */
export async function send(
  api: Pick<Api, 'url'>,
  claims: Claims | null,
  question: Question,
  signal: AbortSignal | null = null,
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: Body }> {
  const response = await fetch(api.url, {
    method: 'POST',
    signal,
    headers: {
      'content-type': 'application/json',
      ...(claims === null ? {} : await authorize(claims)),
    },
    body: JSON.stringify(question),
  });
  const { status, headers } = response;
  return { status, headers, body: (await response.json()) as Body };
}

/** The first response to a request over its own socket. */
export async function sendBySocket(
  api: Api,
  claims: Claims,
  question: Question,
  signal?: AbortSignal,
): Promise<Body> {
  const client = createClient({
    url: api.wsUrl,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: async () => ({ Authorization: (await authorize(claims))['authorization'] }),
  });
  signal?.addEventListener('abort', () => client.terminate());
  try {
    return await new Promise<Body>((resolve, reject) => {
      client.subscribe(
        { ...question, query: question.query ?? '' },
        {
          next: (answer) => resolve(answer as Body),
          error: (errors) =>
            Array.isArray(errors)
              ? resolve({ errors: errors as Answer['errors'] })
              : reject(errors as Error),
          complete: () => reject(new Error('the operation ended without an answer')),
        },
      );
    });
  } finally {
    await client.dispose();
  }
}

/** The first response to a request over an event stream of its own. */
export async function sendByEventStream(
  api: Pick<Api, 'url'>,
  claims: Claims,
  question: Question,
  signal: AbortSignal | null = null,
): Promise<Body> {
  const response = await fetch(`${api.url}/stream`, {
    method: 'POST',
    signal,
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(await authorize(claims)),
    },
    body: JSON.stringify(question),
  });
  const text = await response.text();
  const data = /^data: ?(\{.*)$/m.exec(text)?.[1];
  return JSON.parse(data ?? text) as Body;
}

/** Sends a query over HTTP, as a client does. */
export async function ask(
  api: Pick<Api, 'url'>,
  claims: Claims | null,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Answer> {
  const { status, headers, body } = await send(api, claims, { query, variables });
  return { status, headers, data: body.data, errors: body.errors ?? [] };
}

export function codesOf(answer: Answer): string[] {
  return answer.errors.map((error) => error.extensions.code);
}
