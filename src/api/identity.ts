import { LRUCache } from 'lru-cache';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import type { Reader } from '../store/read/session.ts';
import { createError, createUnavailableError } from './errors.ts';
import type { Role } from '../roles.ts';
import { ROLES } from '../roles.ts';
import { isPlainName } from './plain-text.ts';

/** How tokens are checked: with a shared secret (HS256) or the keys of an issuer (JWKS). */
export interface AuthSettings {
  readonly jwtSecret?: string | undefined;
  readonly jwksUrl?: string | undefined;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}

/** The caller, from a verified token. */
export interface Identity {
  readonly role: Role;
  readonly tenant: string | null;
  /** External id of the driver; for role DRIVER only. */
  readonly driver: string | null;
  readonly subject: string | null;
  readonly microdata: boolean;
  readonly expiresAtMs: number;
}

export type Authenticate = (authorization: string | undefined) => Promise<Identity>;

/** Signature algorithms of an issuer with public keys; never a shared secret, never `none`. */
const PUBLIC_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];

/** How the key set fails because of a token, not because it could not be fetched. */
const ABOUT_THE_TOKEN = [
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
  errors.JOSENotSupported,
];
const KEYS_TIMEOUT_MS = 5_000;
const RETRY_MS = 5_000;

/** Tolerated difference between the issuer's clock and ours, seconds. */
const CLOCK_SKEW_S = 5;

/** The last instant that a Date can hold. */
const LAST_INSTANT_MS = 8.64e15;
const LONGEST_CLAIM = 1_000;
/** A verified token is accepted this long without another look at its signature: a withdrawn key lasts as long. */
const KEPT_MS = 60_000;
const MAX_KEPT_CHARACTERS = 5_000_000;

/** @throws if neither a secret nor an issuer's keys are given */
export function createAuthenticate(settings: AuthSettings): Authenticate {
  const verify = createVerify(settings);
  const verified = new LRUCache<string, { readonly identity: Identity; readonly untilMs: number }>({
    maxSize: MAX_KEPT_CHARACTERS,
    sizeCalculation: (_, token) => token.length,
  });
  return async (authorization) => {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) {
      throw createError(
        'UNAUTHENTICATED',
        authorization === undefined
          ? 'A token is required: send the header Authorization: Bearer <JWT>.'
          : 'The header Authorization must have the form: Bearer <JWT>.',
      );
    }
    const kept = verified.get(token);
    if (kept && Date.now() < kept.untilMs) return kept.identity;
    try {
      const identity = toIdentity(await verify(token));
      const untilMs = Math.min(Date.now() + KEPT_MS, identity.expiresAtMs + CLOCK_SKEW_S * 1000);
      verified.set(token, { identity, untilMs });
      return identity;
    } catch (error) {
      if (error instanceof errors.JWTExpired) {
        throw createError('UNAUTHENTICATED', 'The token has expired: get a new one.');
      }
      if (error instanceof errors.JOSEError) {
        throw createError('UNAUTHENTICATED', `The token was not accepted: ${error.message}.`);
      }
      throw error;
    }
  };
}

function createVerify(settings: AuthSettings): (token: string) => Promise<JWTPayload> {
  const options = {
    requiredClaims: ['exp', 'role'],
    clockTolerance: CLOCK_SKEW_S,
    ...(settings.issuer === undefined ? {} : { issuer: settings.issuer }),
    ...(settings.audience === undefined ? {} : { audience: settings.audience }),
  };
  if (settings.jwksUrl !== undefined) {
    const keys = fetchKeys(settings.jwksUrl);
    return async (token) =>
      (await jwtVerify(token, keys, { ...options, algorithms: PUBLIC_ALGORITHMS })).payload;
  }
  if (settings.jwtSecret !== undefined && settings.jwtSecret !== '') {
    const key = new TextEncoder().encode(settings.jwtSecret);
    return async (token) =>
      (await jwtVerify(token, key, { ...options, algorithms: ['HS256'] })).payload;
  }
  throw new Error('the API needs AUTH_JWT_SECRET or AUTH_JWKS_URL to verify tokens');
}

/**
 * The keys of the issuer. That they cannot be fetched says nothing about a token: keys fetched before are used on, and
 * without any the caller is to come back.
 */
function fetchKeys(jwksUrl: string): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: KEYS_TIMEOUT_MS });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (ABOUT_THE_TOKEN.some((kind) => error instanceof kind)) throw error;
      throw createUnavailableError(
        "The issuer's keys (AUTH_JWKS_URL) cannot be fetched now, so no token can be verified.",
        RETRY_MS,
      );
    }
  };
}

function toIdentity(claims: JWTPayload): Identity {
  const { role, tenant, driver, microdata } = claims;
  if (!ROLES.some((known) => known === role)) {
    throw createError(
      'UNAUTHENTICATED',
      `The token's claim "role" is ${JSON.stringify(role)}; it must be one of ${ROLES.join(', ')}.`,
    );
  }
  if (role !== 'OPERATOR' && !isName(tenant)) {
    throw createError(
      'UNAUTHENTICATED',
      `A token of role ${String(role)} needs the claim "tenant", a plain text.`,
    );
  }
  if (role === 'DRIVER' && !isName(driver)) {
    throw createError(
      'UNAUTHENTICATED',
      'A token of role DRIVER needs the claim "driver", a plain text.',
    );
  }
  const expiresAtMs = (claims.exp ?? 0) * 1000;
  if (!(expiresAtMs <= LAST_INSTANT_MS)) {
    throw createError(
      'UNAUTHENTICATED',
      `The token's claim "exp" is ${String(claims.exp)}; it must be seconds since 1970.`,
    );
  }
  if (claims.sub !== undefined && !isName(claims.sub)) {
    throw createError('UNAUTHENTICATED', 'The token\'s claim "sub" must be a plain text.');
  }
  return {
    role: role as Role,
    tenant: isName(tenant) ? tenant : null,
    driver: role === 'DRIVER' && isName(driver) ? driver : null,
    subject: claims.sub ?? null,
    microdata: microdata === true,
    expiresAtMs,
  };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && isPlainName(value, LONGEST_CLAIM);
}

/** The row-level security settings of a caller. */
export function toReader({ role, tenant, driver }: Identity): Reader {
  return {
    operator: role === 'OPERATOR',
    tenant,
    driver: role === 'DRIVER' ? (driver ?? '') : null,
  };
}
