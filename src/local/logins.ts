import { createHmac } from 'node:crypto';
import type { Config } from '../config.ts';
import { readLocalKey } from './folder.ts';

export interface Logins {
  readonly sinkUrl: string;
  readonly apiUrl: string;
}

/**
 * The logins of the sink and the API: as configured, or their roles in the owner's database with passwords
 * derived from the owner's, so that every machine that has the owner's URL derives the same ones.
 */
export function deriveLogins(config: Config, ownerUrl: string): Logins {
  const derive = (role: string) => {
    const url = new URL(ownerUrl);
    const secret = url.password || readLocalKey(config.odographDataDir);
    url.username = role;
    url.password = createHmac('sha256', secret).update(role).digest('base64url');
    return url.href;
  };
  return {
    sinkUrl: config.databaseSinkUrl ?? derive('odograph_sink'),
    apiUrl: config.databaseApiUrl ?? derive('odograph_api'),
  };
}
