import { join } from 'node:path';
import type { Command } from 'commander';
import { ensureFolder, lockFolder, writeRunFacts } from '../local/folder.ts';
import { onInterrupt } from '../local/interrupt.ts';
import { deriveLogins } from '../local/logins.ts';
import { claimPort } from '../local/port.ts';
import { hidePassword, startSurroundings } from '../local/surroundings.ts';
import { readAuth, signToken } from '../local/token.ts';
import type { Config } from '../config.ts';
import type { Role } from '../roles.ts';
import { ROLES } from '../roles.ts';
import type { Session } from './session.ts';
import { openSession } from './session.ts';

/** The text line of the first example in the README. */
const FOUNDING_LINE = 'ID-203217 80 5-15-2015 00:08:13 -73.978165,40.757977';
/** Tokens signed with the local key work on this machine only, so they may outlive a long run. */
const TOKEN_TTL_S = 30 * 86_400;
const TENANT = 'default';
/** With this seed the first car, which the DRIVER token belongs to, is a taxi: it drives enough for a score at once. */
const FLEET = { seed: 4, cars: 10 };
/** Keeps the backlog short, so that a user's own first messages are read without delay. */
const FLEET_PER_SECOND = 2_000;

export function defineUp(program: Command): void {
  program
    .command('up')
    .description(
      'Start everything that is not configured: broker, database, migrations, sink and API.',
    )
    .option('--no-fleet', 'leave out the simulated fleet that a local broker gets')
    .addHelpText(
      'after',
      `
Runs until Ctrl-C. Kafka is KAFKA_BROKERS if set, otherwise a local broker from its jars (Java 17 and
Maven), otherwise one in Docker. PostgreSQL is DATABASE_URL if set, otherwise an embedded server. All
data is in the data folder (ODOGRAPH_DATA_DIR); run.json there lists addresses and tokens.

Examples:
  odograph up
  KAFKA_BROKERS=broker1:9092,broker2:9092 DATABASE_URL=postgresql://… odograph up
  PORT=0 KAFKA_LOCAL_PORT=0 ODOGRAPH_DATA_DIR=/tmp/try odograph up --no-fleet`,
    )
    .action(async (options: { fleet: boolean }) => {
      process.exitCode = await up(openSession(), options.fleet);
    });
}

async function up(session: Session, wantsFleet: boolean): Promise<number> {
  const { config, log } = session;
  const folder = ensureFolder(config.odographDataDir);
  const unlock = lockFolder(folder);
  const stops: (() => unknown)[] = [unlock];
  const stop = async () => {
    for (let last = stops.pop(); last; last = stops.pop()) await last();
  };
  const interrupted = createInterrupt();
  try {
    const starting = start(session, folder, wantsFleet, stops);
    const started = await Promise.race([starting, interrupted.signal]);
    if (started === undefined) {
      // Work in progress ends with this process; servers that have started are stopped below.
      starting.catch(() => undefined);
      return 0;
    }
    const { untilTold } = await import('../main.ts');
    interrupted.release();
    return await untilTold({ finished: started.finished, stop }, log);
  } finally {
    await stop();
  }
}

async function start(
  session: Session,
  folder: string,
  wantsFleet: boolean,
  stops: (() => unknown)[],
): Promise<{ finished: Promise<void> }> {
  const { config, log, print, report } = session;
  await claimPort(config.port, { host: config.host, what: 'the API', setting: 'PORT' });
  const { isBrokerOurs, brokers, ...surroundings } = startSurroundings(config, report);
  stops.push(() => surroundings.stop());
  // Load these modules while the servers start.
  const [{ run }, { migrate }, tokens] = await Promise.all([
    import('../main.ts'),
    import('../store/setup/migrate.ts'),
    signTokens(config),
  ]);
  const ownerUrl = await surroundings.ownerUrl;
  const logins = deriveLogins(config, ownerUrl);
  await migrate({ url: ownerUrl, logins, onWait: report });
  report(`database: ${hidePassword(ownerUrl)}`);
  const auth = readAuth(config);
  const roles = ['sink', 'api'] as const;
  const running = await run({ config, log, roles, brokers, ...logins, auth, localTokens: tokens });
  stops.push(() => running.stop());
  const kafkaBrokers = await brokers;
  report(`broker: ${kafkaBrokers.join(',')}`);
  const { url: apiUrl, wsUrl } = running.api!;
  const { pid } = process;
  const facts = { apiUrl, wsUrl, kafkaBrokers, databaseUrl: ownerUrl, pid, tokens: tokens ?? {} };
  stops.push(writeRunFacts(folder, facts));
  if (wantsFleet && isBrokerOurs) {
    stops.push(await startOwnFleet(session, kafkaBrokers, apiUrl, tokens));
  }
  welcome(print, { apiUrl, wsUrl, folder, token: tokens?.INSURER });
  return { finished: Promise.race([running.finished, surroundings.lost]) };
}

/** Resolves at a signal during start-up, so that servers already started are stopped first. */
function createInterrupt(): { signal: Promise<undefined>; release: () => void } {
  let release = () => {};
  const signal = new Promise<undefined>((resolve) => {
    release = onInterrupt(() => resolve(undefined));
  });
  return { signal, release };
}

type Tokens = Readonly<Record<Role, string>>;

/** One token per role; undefined where the API trusts an external issuer. */
async function signTokens(config: Config): Promise<Tokens | undefined> {
  if (config.authJwksUrl !== undefined || config.authJwtSecret !== undefined) return undefined;
  const { createFleet } = await import('../sim/fleet.ts');
  const driver = createFleet(FLEET)[0]?.driverId;
  const sign = (role: Role) =>
    signToken(config, {
      role,
      ttlS: TOKEN_TTL_S,
      ...(role !== 'OPERATOR' && { tenant: TENANT }),
      ...(role === 'DRIVER' && { driver }),
      ...(role === 'ACTUARY' && { microdata: true }),
    });
  const signed = await Promise.all(ROLES.map(async (role) => [role, await sign(role)] as const));
  return Object.fromEntries(signed) as Tokens;
}

async function startOwnFleet(
  { config, log }: Session,
  brokers: readonly string[],
  apiUrl: string,
  tokens: Tokens | undefined,
): Promise<() => Promise<void>> {
  const { publishFleet } = await import('./fleet.ts');
  const fleet = publishFleet(config, log, brokers, {
    ...FLEET,
    api: tokens && { url: apiUrl, tokens },
    historyDays: 2,
    live: true,
    defects: 'usual',
    perSecond: FLEET_PER_SECOND,
  });
  fleet.finished.catch((error: unknown) =>
    log.warn({ err: error }, 'the simulated fleet has stopped; everything else keeps running'),
  );
  return () => fleet.stop();
}

function welcome(
  print: Session['print'],
  facts: { apiUrl: string; wsUrl: string; folder: string; token: string | undefined },
): void {
  const { apiUrl, wsUrl, folder, token = '$TOKEN' } = facts;
  const query =
    '{ trips(first: 5) { edges { node { deviceId status startedAt distanceKm maxSpeedKmh } } } }';
  print(`
Odograph is up.
  console:   ${new URL('/', apiUrl).href}
  GraphQL:   ${apiUrl}
  WebSocket: ${wsUrl}
  run.json:  ${join(folder, 'run.json')}

Ask for trips:
  curl -s ${apiUrl} -H 'content-type: application/json' -H 'authorization: Bearer ${token}' -d '${JSON.stringify({ query })}'

Send a first message:
  npx odograph send '${FOUNDING_LINE}'

Ctrl-C stops it; the data is kept.`);
}
