import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Api } from '../../src/api/server.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { startTestApi } from './client.ts';

const ISSUER = 'https://login.insurer.example/';
const AUDIENCE = 'odograph';
const CLAIMS = { role: 'INSURER', tenant: 'acme' };

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

let database: TestDatabase;
let api: Api;
/** The issuer's current key set. */
let published: object[] = [];
const keys = createServer((_, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ keys: published }));
});
let first: KeyPair;

beforeAll(async () => {
  database = await createTestDatabase();
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
  const { port } = keys.address() as AddressInfo;
  first = await generateKeyPair('RS256');
  await publish({ first });
  api = await startTestApi(database, {
    auth: {
      jwksUrl: `http://127.0.0.1:${port}/keys`,
      issuer: ISSUER,
      audience: AUDIENCE,
    },
  });
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(async () => {
  await api.stop();
  keys.close();
  await database.drop();
});

async function publish(pairs: Readonly<Record<string, KeyPair>>): Promise<void> {
  published = await Promise.all(
    Object.entries(pairs).map(async ([kid, { publicKey }]) => ({
      ...(await exportJWK(publicKey)),
      kid,
      use: 'sig',
    })),
  );
}

interface Token {
  readonly alg?: string;
  readonly kid?: string;
  readonly issuer?: string;
  readonly audience?: string;
  /** Seconds from now. */
  readonly expires?: number;
  readonly notBefore?: number;
}

function sign(
  { privateKey }: KeyPair,
  {
    alg = 'RS256',
    kid = 'first',
    issuer = ISSUER,
    audience = AUDIENCE,
    expires = 600,
    notBefore = -600,
  }: Token = {},
): Promise<string> {
  const nowS = Math.floor(Date.now() / 1000);
  return new SignJWT({ ...CLAIMS })
    .setProtectedHeader({ alg, kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setNotBefore(nowS + notBefore)
    .setExpirationTime(nowS + expires)
    .sign(privateKey);
}

/** The role that the API reads from a token, or the code and message of its refusal. */
async function show(token: string): Promise<string> {
  const response = await fetch(api.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: '{ viewer { role } }' }),
  });
  const { data, errors } = (await response.json()) as {
    data?: { viewer: { role: string } };
    errors?: { message: string; extensions: { code: string } }[];
  };
  return errors?.[0] ? `${errors[0].extensions.code}: ${errors[0].message}` : data!.viewer.role;
}

describe('a token of an external issuer', () => {
  it('is accepted with a key that the issuer publishes, for its audience, while it is valid', async () => {
    expect(await show(await sign(first))).toBe('INSURER');
    expect(await show(await sign(first, { expires: -3 }))).toBe('INSURER');
    expect(await show(await sign(first, { notBefore: 3 }))).toBe('INSURER');
  });

  it('is refused with the reason: another issuer, another audience, expired, or not valid yet', async () => {
    const refusals = [
      [{ issuer: 'https://login.elsewhere.example/' }, /"iss"/],
      [{ audience: 'another' }, /"aud"/],
      [{ expires: -30 }, /has expired/],
      [{ notBefore: 60 }, /"nbf"/],
      [{ kid: 'nobody' }, /no applicable key/],
    ] as const;
    for (const [wrong, said] of refusals) {
      const answer = await show(await sign(first, wrong));
      expect(answer).toMatch(/^UNAUTHENTICATED: /);
      expect(answer).toMatch(said);
    }
  });

  it('is accepted with a new key once it is published, and with an old one until it is withdrawn', async () => {
    expect(await show(await sign(first))).toBe('INSURER');
    const second = await generateKeyPair('ES256');
    await publish({ first, second });
    // Unknown keys are fetched again after half a minute at the earliest.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });
    const ofSecond = { alg: 'ES256', kid: 'second' };
    expect(await show(await sign(second, ofSecond))).toBe('INSURER');
    expect(await show(await sign(first))).toBe('INSURER');
    await publish({ second });
    // Known keys are cached for ten minutes.
    vi.setSystemTime(Date.now() + 601_000);
    expect(await show(await sign(second, ofSecond))).toBe('INSURER');
    expect(await show(await sign(first))).toMatch(/^UNAUTHENTICATED: /);
    await publish({ first });
    vi.setSystemTime(Date.now() + 601_000);
    expect(await show(await sign(first))).toBe('INSURER');
  });

  it('is refused unsigned, and signed with the public key as if it were a secret', async () => {
    const nowS = Math.floor(Date.now() / 1000);
    const payload = { ...CLAIMS, iss: ISSUER, aud: AUDIENCE, exp: nowS + 600 };
    const encode = (value: object) => base64url.encode(JSON.stringify(value));
    const unsigned = `${encode({ alg: 'none', kid: 'first' })}.${encode(payload)}.`;
    expect(await show(unsigned)).toMatch(/^UNAUTHENTICATED: /);
    const signed = `${encode({ alg: 'HS256', kid: 'first' })}.${encode(payload)}`;
    const secret = await exportSPKI(first.publicKey);
    const mac = createHmac('sha256', secret).update(signed).digest('base64url');
    expect(await show(`${signed}.${mac}`)).toMatch(/^UNAUTHENTICATED: .*"alg"/);
  });

  it('is answered with 503 while the keys cannot be fetched', async () => {
    const nowhere = await startTestApi(database, {
      auth: { jwksUrl: 'http://127.0.0.1:9/keys', issuer: ISSUER, audience: AUDIENCE },
    });
    const response = await fetch(nowhere.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await sign(first)}` },
      body: JSON.stringify({ query: '{ viewer { role } }' }),
    });
    const { data, errors } = (await response.json()) as {
      data?: object;
      errors: { message: string; extensions: { code: string; requestId: string } }[];
    };
    expect([response.status, data, errors[0]?.extensions.code]).toEqual([
      503,
      undefined,
      'UNAVAILABLE',
    ]);
    expect(errors[0]?.message).not.toContain('127.0.0.1:9');
    await nowhere.stop();
  });
});
