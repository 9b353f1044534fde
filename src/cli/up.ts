import type { Command } from 'commander';
import { ensureFolder, lockFolder, writeRunFacts } from '../local/folder.ts';
import { deriveLogins } from '../local/logins.ts';
import { claimPort } from '../local/port.ts';
import { startSurroundings } from '../local/surroundings.ts';
import { readAuth, ROLES, signToken } from '../local/token.ts';
import type { Config } from '../config.ts';
import type { Session } from './session.ts';
import { openSession } from './session.ts';

/** The line that the founding example sends. */
const FOUNDING_LINE = 'ID-203217 80 5-15-2015 00:08:13 -73.978165,40.757977';
/** The local key opens this machine alone, so its tokens may last as long as a run does. */
const TOKEN_TTL_S = 30 * 86_400;
const TENANT = 'default';
const FLEET = { seed: 1, cars: 10 };
/** So that somebody's own first messages need not queue behind the fleet's. */
const FLEET_PER_SECOND = 2_000;

export function defineUp(program: Command): void {
  program
    .command('up')
    .description('Start everything that is not given: broker, database, migrations, sink and API.')
    .option('--no-fleet', 'leave out the simulated fleet that a local broker gets')
    .addHelpText(
      'after',
      `
Keeps running until Ctrl-C. Kafka is KAFKA_BROKERS if set, else a local broker from its jars (Java 17
and Maven), else one in Docker. PostgreSQL is DATABASE_URL if set, else an embedded one. Everything
lies in the data folder (ODOGRAPH_DATA_DIR); run.json in it says where what answers.

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
  const { config, log, print, tell } = session;
  const folder = ensureFolder(config.odographDataDir);
  const unlock = lockFolder(folder);
  const stops: (() => unknown)[] = [unlock];
  const stop = async () => {
    for (let last = stops.pop(); last; last = stops.pop()) await last();
  };
  try {
    await claimPort(config.port, { host: config.host, what: 'the API', setting: 'PORT' });
    // Read while the broker starts: it is the slowest.
    const loading = Promise.all([import('../main.ts'), import('../store/migrate.ts')]);
    loading.catch(() => undefined);
    const interrupted = stopOnSignal();
    const starting = startSurroundings(config, tell, async (url) => {
      const [, { migrate }] = await loading;
      await migrate({ url, logins: deriveLogins(config, url) });
    });
    const surroundings = await Promise.race([starting, interrupted.signal]);
    if (surroundings === undefined) {
      await starting.then(
        (late) => late.stop(),
        () => undefined,
      );
      return 0;
    }
    stops.push(() => surroundings.stop());

    const [{ run, untilTold }] = await loading;
    const { brokers, ownerUrl, isBrokerOurs } = surroundings;
    const tokens = await signTokens(config);
    const running = await run({
      config,
      log,
      roles: ['sink', 'api'],
      brokers,
      ...deriveLogins(config, ownerUrl),
      auth: readAuth(config),
      localTokens: tokens,
    });
    stops.push(() => running.stop());
    const { url: apiUrl, wsUrl } = running.api!;
    stops.push(
      writeRunFacts(folder, {
        apiUrl,
        wsUrl,
        kafkaBrokers: brokers,
        databaseUrl: ownerUrl,
        pid: process.pid,
        tokens: tokens ?? {},
      }),
    );
    if (wantsFleet && isBrokerOurs)
      stops.push(await startOwnFleet(session, brokers, apiUrl, tokens));
    welcome(print, { apiUrl, wsUrl, folder, token: tokens?.INSURER });
    interrupted.release();
    return await untilTold(
      { finished: Promise.race([running.finished, surroundings.lost]), stop },
      log,
    );
  } finally {
    await stop();
  }
}

/** A signal while we start: what was begun is ended first. */
function stopOnSignal(): { signal: Promise<undefined>; release: () => void } {
  let hear = () => {};
  const signal = new Promise<undefined>((resolve) => (hear = () => resolve(undefined)));
  process.once('SIGINT', hear).once('SIGTERM', hear);
  return {
    signal,
    release: () => void process.off('SIGINT', hear).off('SIGTERM', hear),
  };
}

type Tokens = Readonly<Record<(typeof ROLES)[number], string>>;

/** A token a role; none where the API trusts an outside issuer. */
async function signTokens(config: Config): Promise<Tokens | undefined> {
  if (config.authJwksUrl !== undefined || config.authJwtSecret !== undefined) return undefined;
  const { createFleet } = await import('../sim/fleet.ts');
  const driver = createFleet(FLEET)[0]?.driverId;
  const sign = (role: (typeof ROLES)[number]) =>
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
    historyDays: 1,
    live: true,
    defects: 'usual',
    perSecond: FLEET_PER_SECOND,
  });
  fleet.finished.catch((error: unknown) =>
    log.warn({ err: error }, 'the simulated fleet has stopped; everything else goes on'),
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
  run.json:  ${folder}

Ask for trips:
  curl -s ${apiUrl} -H 'content-type: application/json' -H 'authorization: Bearer ${token}' -d '${JSON.stringify({ query })}'

Send the founding example:
  npx odograph send '${FOUNDING_LINE}'

Ctrl-C stops it; the data stay.`);
}
