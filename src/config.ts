import { existsSync } from 'node:fs';
import { z } from 'zod';
import { Problem } from './problem.ts';
import { ROLES } from './roles.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;
/** RFC 7518, 3.2: an HS256 key is at least as long as the hash. */
const SHORTEST_SECRET = 32;

const text = z.string();
const port = (fallback: number) =>
  z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port number from 0 to 65535')
    .transform(Number)
    .refine((value) => value < 65_536, 'must be a port number from 0 to 65535')
    .default(fallback);
const list = text.transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
const database = text
  .refine(
    (value) =>
      /^postgres(ql)?:$/.test(toUrl(value)?.protocol ?? '') && !toUrl(value)?.host.includes(','),
    {
      error:
        'must be a URL like postgresql://user:password@host:5432/database, with one host and special characters of the password percent-encoded',
    },
  )
  .superRefine((value, context) => {
    for (const message of findTlsFaults(toUrl(value)))
      context.addIssue({ code: 'custom', message });
  })
  .optional();
const timeZone = text.refine((value) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}, 'must be an IANA time zone like Europe/Lisbon or UTC');

const flag = z
  .enum(['true', 'false'], 'must be true or false')
  .default('false')
  .transform((value) => value === 'true');
const RATE = new RegExp(`^((${ROLES.join('|')})=[1-9]\\d{0,8}|none)$`);
const toRates = (rates: readonly string[]): Readonly<Partial<Record<string, number>>> =>
  Object.fromEntries(
    rates
      .filter((rate) => rate !== 'none')
      .map((rate) => rate.split('='))
      .map(([role = '', points]) => [role, Number(points)]),
  );

/** All settings, in the order of .env.example. */
const settings = {
  KAFKA_BROKERS: list
    .pipe(z.array(text.regex(/^(\[.+\]|[^:\s]+):\d{1,5}$/, 'must be host:port, comma-separated')))
    .default([])
    .describe(
      'Kafka brokers, host:port, comma-separated. Unset: `odograph up` starts a local broker.',
    ),
  KAFKA_TOPIC: text
    .regex(/^[\w.-]{1,249}$/, 'must be a topic name: letters, digits, dot, dash and underscore')
    .default('telematics')
    .describe('The topic of device messages.'),
  KAFKA_GROUP_ID: text.default('odograph').describe('The consumer group of the sinks.'),
  KAFKA_SSL: flag.describe('Connect to the brokers over TLS.'),
  KAFKA_SSL_CA: text
    .optional()
    .describe(
      'PEM file of the authority that signed the certificates of the brokers. Unset: the authorities that Node trusts.',
    ),
  KAFKA_SSL_CERT: text.optional().describe('PEM file of a client certificate (mutual TLS).'),
  KAFKA_SSL_KEY: text.optional().describe('PEM file of the key of the client certificate.'),
  KAFKA_SASL_MECHANISM: z
    .enum(
      ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'],
      'must be plain, scram-sha-256, scram-sha-512 or oauthbearer',
    )
    .optional()
    .describe('How to log in to the brokers: plain, scram-sha-256, scram-sha-512 or oauthbearer.'),
  KAFKA_SASL_USERNAME: text
    .optional()
    .describe('User name for SASL; the client id for oauthbearer.'),
  KAFKA_SASL_PASSWORD: text
    .optional()
    .describe('Password for SASL; the client secret for oauthbearer.'),
  KAFKA_SASL_TOKEN_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .optional()
    .describe('Token endpoint for oauthbearer (OAuth 2.0 client credentials).'),
  KAFKA_SASL_SCOPE: text.optional().describe('Scope to request for oauthbearer.'),
  KAFKA_LOCAL_PORT: port(9092).describe('Port of the local broker; 0: any free port.'),
  DATABASE_URL: database.describe(
    "The owner's login, for migrations and administration. Unset: `odograph up` starts an embedded PostgreSQL.",
  ),
  DATABASE_SINK_URL: database.describe(
    "The login odograph_sink. Unset: that role in the database of DATABASE_URL, with a password derived from the owner's.",
  ),
  DATABASE_API_URL: database.describe(
    "The login odograph_api. Unset: that role in the database of DATABASE_URL, with a password derived from the owner's.",
  ),
  PORT: port(4000).describe('Port of the API; 0: any free port.'),
  SINK_PORT: port(4001).describe(
    'Port for health and metrics of a sink that runs alone; 0: any free port.',
  ),
  HOST: text
    .default('127.0.0.1')
    .describe(
      'Address to listen on. Anything other than loopback needs AUTH_JWKS_URL or AUTH_JWT_SECRET.',
    ),
  ODOGRAPH_DATA_DIR: text
    .default('.odograph')
    .describe('Folder of the local broker, the embedded PostgreSQL and the local key.'),
  AUTH_JWKS_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .optional()
    .describe('URL of the public keys (JWKS) of the issuer whose tokens the API accepts.'),
  AUTH_ISSUER: text.optional().describe("Required value of a token's `iss`."),
  AUTH_AUDIENCE: text.optional().describe("Required value of a token's `aud`."),
  AUTH_JWT_SECRET: text
    .optional()
    .describe(
      'A secret shared with the issuer (HS256), 32 characters or more, instead of AUTH_JWKS_URL.',
    ),
  CORS_ORIGINS: list
    .pipe(z.array(z.url('must be origins like https://example.com, comma-separated')))
    .default([])
    .describe('Origins of web pages that may call the API (CORS), comma-separated.'),
  TRUST_PROXY: list
    .pipe(
      z.array(
        z.union(
          [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
          'must be addresses or networks (CIDR)',
        ),
      ),
    )
    .default([])
    .describe(
      'Proxies in front of the API whose X-Forwarded-* and X-Request-Id headers are trusted: addresses or networks (CIDR), comma-separated.',
    ),
  RATE_LIMITS: list
    .pipe(z.array(text.regex(RATE, 'must be like DRIVER=600,INSURER=12000, or none')))
    .transform(toRates)
    .default({ DRIVER: 600, INSURER: 12_000, ACTUARY: 6_000, CLAIMS: 3_000, OPERATOR: 12_000 })
    .describe(
      'Points that a caller may spend per minute on each API process, by role: one per operation, plus one per 100 objects of its cost. Roles not listed are not limited; `none`: no limits.',
    ),
  INTROSPECTION_ROLES: list
    .pipe(z.array(z.enum(ROLES, `must be roles, of ${ROLES.join(', ')}`)))
    .default(['INSURER', 'ACTUARY', 'CLAIMS', 'OPERATOR'])
    .describe(
      'Roles that may read the schema (introspection), comma-separated. With the local key: all roles.',
    ),
  PERSISTED_OPERATIONS_MANIFEST: text
    .optional()
    .describe(
      'A file of operations that clients may send by id, as @apollo/generate-persisted-query-manifest or relay-compiler writes it.',
    ),
  PERSISTED_OPERATIONS_ONLY: flag.describe('Accept only the operations in that file.'),
  HEAVY_QUERIES: z
    .string()
    .regex(/^[1-9]\d?$/, 'must be a number from 1 to 99')
    .transform(Number)
    .default(1)
    .describe(
      'How many queries over a whole book of business run at once, on separate connections.',
    ),
  STATEMENT_TIMEOUT_MS: z
    .string()
    .regex(/^[1-9]\d{2,6}$/, 'must be milliseconds, from 100 to 9999999')
    .transform(Number)
    .default(10_000)
    .describe(
      'How long one SQL statement of a normal request may take before PostgreSQL cancels it.',
    ),
  TEXT_SPEED_UNIT: z
    .enum(['mph', 'kmh'], 'must be mph or kmh')
    .default('mph')
    .describe('Unit of speed in text lines: mph or kmh.'),
  TEXT_TIME_ZONE: timeZone.default('UTC').describe('Time zone of times in text lines.'),
  SCHEMA_REGISTRY_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .optional()
    .describe(
      'Schema registry for messages with its framing (Avro, Protobuf, JSON), like http://user:password@registry:8081.',
    ),
  AVRO_SCHEMA_FILE: text
    .optional()
    .describe(
      'Avro schema of messages with content-type application/avro and without framing. Unset: schemas/telematics.avsc.',
    ),
  PROTOBUF_SCHEMA_FILE: text
    .optional()
    .describe(
      'Protobuf schema of messages with content-type application/x-protobuf and without framing; its first message is used. Unset: schemas/telematics.proto.',
    ),
  DEAD_LETTER_MB: z
    .string()
    .regex(/^[1-9]\d{0,6}$/, 'must be a number of megabytes, 1 or more')
    .transform(Number)
    .default(1024)
    .describe(
      'Megabytes of dead letters that are kept with their bytes. Beyond them the sink keeps counts and offsets only, and reports odograph_dead_letters_over_budget.',
    ),
  KEEP_CHANGES_DAYS: z
    .string()
    .regex(/^([7-9]|[1-9]\d{1,3})$/, 'must be a number of days, from 7 to 9999')
    .transform(Number)
    .default(8)
    .describe(
      'Days that the sink keeps what streams resume by. Cursors expire when it is removed, after 7 days at the earliest.',
    ),
  KEEP_IDEMPOTENCY_KEYS_DAYS: z
    .string()
    .regex(/^[1-9]\d{0,3}$/, 'must be a number of days, from 1 to 9999')
    .transform(Number)
    .default(30)
    .describe('Days after which a mutation with the same idempotencyKey is done again.'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      error: 'must be fatal, error, warn, info, debug, trace or silent',
    })
    .default('info')
    .describe('Log level: fatal, error, warn, info, debug, trace or silent.'),
} as const;

type Name = keyof typeof settings;
type Settings = { readonly [name in Name]: z.output<(typeof settings)[name]> };

/** Checks settings against each other; settings that are wrong by themselves are absent. */
function compare(set: Partial<Settings>, complain: (name: Name, message: string) => void): void {
  if (set.KAFKA_SASL_MECHANISM) {
    for (const name of ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const) {
      if (set[name] === undefined) complain(name, 'is required with KAFKA_SASL_MECHANISM');
    }
  } else if (set.KAFKA_SASL_USERNAME !== undefined || set.KAFKA_SASL_PASSWORD !== undefined) {
    complain(
      'KAFKA_SASL_MECHANISM',
      'is required with KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
    );
  }
  if ((set.KAFKA_SASL_MECHANISM === 'oauthbearer') !== (set.KAFKA_SASL_TOKEN_URL !== undefined)) {
    complain(
      'KAFKA_SASL_TOKEN_URL',
      'is required with KAFKA_SASL_MECHANISM=oauthbearer, and only there',
    );
  }
  if ((set.KAFKA_SSL_CERT === undefined) !== (set.KAFKA_SSL_KEY === undefined)) {
    complain('KAFKA_SSL_CERT', 'and KAFKA_SSL_KEY are set together');
  }
  const hasTlsFile = set.KAFKA_SSL_CA !== undefined || set.KAFKA_SSL_CERT !== undefined;
  if (hasTlsFile && set.KAFKA_SSL !== true) {
    complain('KAFKA_SSL', 'must be true where KAFKA_SSL_CA or KAFKA_SSL_CERT is set');
  }
  if (set.AUTH_JWKS_URL !== undefined && set.AUTH_JWT_SECRET !== undefined) {
    complain('AUTH_JWT_SECRET', 'and AUTH_JWKS_URL exclude each other: set one of them');
  }
  const hasOwnAuth = set.AUTH_JWKS_URL !== undefined || set.AUTH_JWT_SECRET !== undefined;
  if (set.AUTH_ISSUER !== undefined && !hasOwnAuth) {
    complain('AUTH_ISSUER', 'needs AUTH_JWKS_URL or AUTH_JWT_SECRET');
  }
  if (set.PERSISTED_OPERATIONS_ONLY === true && set.PERSISTED_OPERATIONS_MANIFEST === undefined) {
    complain('PERSISTED_OPERATIONS_ONLY', 'needs PERSISTED_OPERATIONS_MANIFEST');
  }
  if (set.HOST === undefined || LOOPBACK.test(set.HOST)) return;
  if (!hasOwnAuth) {
    complain(
      'HOST',
      'accepts connections from other machines: set AUTH_JWKS_URL or AUTH_JWT_SECRET, because the local key is for this machine only',
    );
  } else if ((set.AUTH_JWT_SECRET?.length ?? SHORTEST_SECRET) < SHORTEST_SECRET) {
    complain(
      'AUTH_JWT_SECRET',
      `must have ${SHORTEST_SECRET} characters or more where HOST is not loopback`,
    );
  }
}

type CamelCase<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${Lowercase<First>}${Capitalize<CamelCase<Rest>>}`
  : Lowercase<Name>;

/** All settings, by their names in camel case. */
export type Config = { readonly [Name in keyof Settings as CamelCase<Name>]: Settings[Name] };

/**
 * Reads the settings; one that is set to nothing counts as unset.
 * @throws Problem BAD_SETTINGS that lists everything that is wrong.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const set: Record<string, unknown> = {};
  const wrong: string[] = [];
  const complain = (name: string, message: string) => wrong.push(describe(name, message, env));
  for (const [name, setting] of Object.entries(settings)) {
    const { success, data, error } = setting.safeParse(env[name] || undefined);
    if (success) set[name] = data;
    else for (const { message } of error.issues) complain(name, message);
  }
  compare(set, complain);
  if (wrong.length > 0) {
    throw new Problem(
      'BAD_SETTINGS',
      ['Some settings are wrong:', ...wrong].join('\n  '),
      '.env.example describes every setting.',
    );
  }
  return Object.fromEntries(
    Object.entries(set).map(([name, value]) => [toCamelCase(name), value]),
  ) as Config;
}

/** The environment, for programs that Odograph starts. */
export function ownEnvironment(): NodeJS.ProcessEnv {
  return process.env;
}

/** Every setting with its description and its default, as written in the environment. */
export function listSettings(): { name: string; description: string; fallback: string }[] {
  return Object.entries(settings).map(([name, setting]) => ({
    name,
    description: setting.description ?? '',
    fallback: write(setting.safeParse(undefined).data),
  }));
}

/** The text of .env.example. */
export function writeEnvExample(): string {
  const blocks = listSettings().map(
    ({ name, description, fallback }) => `# ${description}\n# ${name}=${fallback}\n`,
  );
  return `# Settings of Odograph with their defaults. Generated from src/config.ts.\n# Copy to .env and remove the # from the lines that you set.\n\n${blocks.join('\n')}`;
}

/** A setting's value as written in the environment. */
function write(
  value: readonly string[] | ReturnType<typeof toRates> | string | number | boolean | undefined,
): string {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map((entry) => entry.join('='))
      .join(',');
  }
  return String(value ?? '');
}

function describe(name: string, message: string, env: NodeJS.ProcessEnv): string {
  const isSecret = /SECRET|PASSWORD|DATABASE|REGISTRY/.test(name);
  const seen = env[name]
    ? ` (it is ${isSecret ? 'set, not shown' : JSON.stringify(env[name])})`
    : '';
  return `${name} ${message}${seen}`;
}

function toCamelCase(name: string): string {
  return name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Modes that every connection treats as psql does; `prefer` and `allow` may connect without TLS unnoticed. */
const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'];

function findTlsFaults(url: URL | undefined): string[] {
  const mode = url?.searchParams.get('sslmode') ?? undefined;
  const rootFile = url?.searchParams.get('sslrootcert') ?? undefined;
  const faults: string[] = [];
  if (mode !== undefined && !SSL_MODES.includes(mode)) {
    faults.push(`has sslmode=${mode}; use ${SSL_MODES.join(', ')}`);
  }
  if (mode === 'verify-ca' && rootFile === undefined) {
    faults.push('has sslmode=verify-ca, which needs sslrootcert');
  }
  for (const name of ['sslrootcert', 'sslcert', 'sslkey']) {
    const file = url?.searchParams.get(name) ?? undefined;
    if (file === undefined || (name === 'sslrootcert' && file === 'system')) continue;
    if (!existsSync(file)) faults.push(`has ${name}=${file}, but there is no such file`);
  }
  return faults;
}

function toUrl(value: string): URL | undefined {
  return URL.canParse(value) ? new URL(value) : undefined;
}
