import { SignJWT } from 'jose';
import pino from 'pino';
import type { Api } from '../../src/api/server.ts';
import { startApi } from '../../src/api/server.ts';
import type { TestDatabase } from '../support/database.ts';

const SECRET = 'a secret that only tests know, long enough';

export interface Claims {
  readonly role: 'DRIVER' | 'INSURER' | 'ACTUARY' | 'CLAIMS' | 'OPERATOR';
  readonly tenant?: string;
  readonly driver?: string;
  readonly microdata?: boolean;
}

export function signToken(claims: Claims, ttlS = 600, secret = SECRET): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(Math.floor(Date.now() / 1000) + ttlS)
    .sign(new TextEncoder().encode(secret));
}

export function startTestApi(
  database: TestDatabase,
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
    readonly extensions: { readonly code: string };
  }[];
}

/** Asks as a client does, over HTTP. */
export async function ask(
  api: Api,
  claims: Claims | null,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Answer> {
  const response = await fetch(api.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(claims === null ? {} : { authorization: `Bearer ${await signToken(claims)}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await response.json()) as Pick<Answer, 'data'> & Partial<Pick<Answer, 'errors'>>;
  return {
    status: response.status,
    headers: response.headers,
    data: body.data,
    errors: body.errors ?? [],
  };
}

export function codesOf(answer: Answer): string[] {
  return answer.errors.map((error) => error.extensions.code);
}
