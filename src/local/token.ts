import { SignJWT } from 'jose';
import type { Config } from '../config.ts';
import { Problem } from '../problem.ts';
import type { Role } from '../roles.ts';
import { readLocalKey } from './folder.ts';

export interface TokenClaims {
  readonly role: Role;
  readonly tenant?: string | undefined;
  /** External id; for role DRIVER. */
  readonly driver?: string | undefined;
  readonly microdata?: boolean | undefined;
  readonly ttlS: number;
}

const hasExternalIssuer = (config: Config) =>
  config.authJwksUrl !== undefined || config.authJwtSecret !== undefined;

/** How the API checks tokens: as configured, or with the key in the data folder. */
export function readAuth(config: Config) {
  return {
    issuer: config.authIssuer,
    audience: config.authAudience,
    jwksUrl: config.authJwksUrl,
    jwtSecret: hasExternalIssuer(config)
      ? config.authJwtSecret
      : readLocalKey(config.odographDataDir),
  };
}

/** Signs a token with the local key. @throws Problem FOREIGN_ISSUER if the API trusts an external issuer. */
export async function signToken(config: Config, claims: TokenClaims): Promise<string> {
  if (hasExternalIssuer(config)) {
    throw new Problem(
      'FOREIGN_ISSUER',
      'The API trusts an external issuer (AUTH_JWKS_URL or AUTH_JWT_SECRET is set), so tokens signed with the local key are not accepted.',
      'Get a token from that issuer.',
    );
  }
  const { ttlS, ...payload } = claims;
  const nowS = Math.floor(Date.now() / 1000);
  const token = new SignJWT(payload)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(`local:${claims.driver ?? claims.role.toLowerCase()}`)
    .setIssuedAt(nowS)
    .setExpirationTime(nowS + ttlS);
  if (config.authAudience !== undefined) token.setAudience(config.authAudience);
  return token.sign(new TextEncoder().encode(readLocalKey(config.odographDataDir)));
}
