import type { Command } from 'commander';
import { Option } from 'commander';
import { signToken } from '../local/token.ts';
import type { Role } from '../roles.ts';
import { ROLES } from '../roles.ts';
import { Problem } from '../problem.ts';
import { openSession } from './session.ts';

const UNITS_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

interface TokenOptions {
  readonly role: Role;
  readonly tenant: string;
  readonly driver?: string;
  readonly ttl: string;
  readonly microdata?: boolean;
}

export function defineToken(program: Command): void {
  program
    .command('token')
    .description("Sign a token with this machine's local key.")
    .addOption(
      new Option('--role <role>', 'role of the caller').choices(ROLES).makeOptionMandatory(),
    )
    .option('--tenant <tenant>', 'tenant whose data it may read; none for OPERATOR', 'default')
    .option('--driver <id>', 'external id of the driver, for role DRIVER')
    .option('--ttl <duration>', 'lifetime, in s, m, h or d', '1h')
    .option('--microdata', 'allow row-level data, for role ACTUARY')
    .addHelpText(
      'after',
      `
Not available where the API trusts an external issuer (AUTH_JWKS_URL or AUTH_JWT_SECRET).

Examples:
  odograph token --role INSURER
  odograph token --role DRIVER --driver D-1 --ttl 15m
  odograph token --role ACTUARY --microdata`,
    )
    .action(async (options: TokenOptions) => {
      const { config, print } = openSession();
      print(await signToken(config, { ...toClaims(options), ttlS: readDuration(options.ttl) }));
    });
}

function toClaims({ role, tenant, driver, microdata }: TokenOptions) {
  if ((role === 'DRIVER') !== (driver !== undefined)) {
    throw new Problem(
      'BAD_ARGUMENTS',
      role === 'DRIVER'
        ? 'A token of role DRIVER needs --driver.'
        : `--driver is for role DRIVER, not ${role}.`,
      'For example: odograph token --role DRIVER --driver D-1',
    );
  }
  if (microdata && role !== 'ACTUARY') {
    const hint = 'For example: odograph token --role ACTUARY --microdata';
    throw new Problem('BAD_ARGUMENTS', `--microdata is for role ACTUARY, not ${role}.`, hint);
  }
  return { role, driver, microdata, ...(role !== 'OPERATOR' && { tenant }) };
}

/** `90s`, `15m`, `1h`, `7d` in seconds. */
export function readDuration(written: string): number {
  const [, number, unit] = /^(\d{1,6})([smhd])$/.exec(written) ?? [];
  const seconds = Number(number) * (UNITS_S[unit ?? ''] ?? Number.NaN);
  if (seconds > 0) return seconds;
  throw new Problem(
    'BAD_ARGUMENTS',
    `--ttl ${JSON.stringify(written)} is not a duration.`,
    'Write a number and s, m, h or d, for example 15m or 1h.',
  );
}
