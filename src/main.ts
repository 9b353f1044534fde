import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import type { AuthSettings } from './api/identity.ts';
import { startApi } from './api/server.ts';
import type { Config } from './config.ts';
import { createRulesTimeline } from './core/rules.ts';
import { kafkaSettings } from './kafka-settings.ts';
import { createKafka, PARTITIONS } from './kafka.ts';
import { onInterrupt } from './local/interrupt.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './ops.ts';
import { createMetrics, startHealth } from './ops.ts';
import { decodeUtf8 } from './sink/decode.ts';
import { openSchemas } from './schemas/open.ts';
import type { Sink } from './sink/run.ts';
import { startPruning } from './sink/pruning.ts';
import { startSink } from './sink/run.ts';
import { Problem } from './problem.ts';
import { createNotifier } from './store/notify.ts';
import { openStore } from './store/open.ts';
import { checkSession } from './store/session.ts';
import { createPartitions } from './store/ingest/partitions.ts';
import { readRules } from './store/rules.ts';
import { loadZones, zonesInForce } from './zones.ts';

export type Role = 'sink' | 'api';

export interface RunOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly roles: readonly Role[];
  /** Awaited by the sink; the API does not need them. */
  readonly brokers: Promise<readonly string[]>;
  /** Each role's own login. */
  readonly sinkUrl: string;
  readonly apiUrl: string;
  /** How the API checks tokens. */
  readonly auth: AuthSettings;
  /** Tokens offered by the console; only on a local machine. */
  readonly localTokens?: Readonly<Record<string, string>> | undefined;
}

export interface Running {
  /** The GraphQL endpoint, if the API runs here. */
  readonly api?: { readonly url: string; readonly wsUrl: string } | undefined;
  /** The health endpoint of a sink that runs alone. */
  readonly healthUrl?: string | undefined;
  /** Rejects with the error that crashed a role; resolves when all roles have stopped. */
  readonly finished: Promise<void>;
  stop(): Promise<void>;
}

/** Time limit for stopping; what a server that hangs has not finished is done again later. */
const STOP_MS = 30_000;
/** The sink needs one connection to write and one to read at the same time, plus some spare. */
const SINK_CONNECTIONS = 4;
/**
 * Growth of the heap after which V8 collects garbage. By default the heap may grow fourfold first: an
 * export of a million trips, which holds few of them at a time, then takes 500 MB.
 */
const HEAP_GROWTH_PERCENT = 40;

/** Connects the adapters to the roles and starts them; stops everything again if one fails to start. */
export async function run(options: RunOptions): Promise<Running> {
  const { config, log, roles } = options;
  const metrics = createMetrics();
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (let last = stops.pop(); last; last = stops.pop()) await last();
  };
  const hasSink = roles.includes('sink');
  if (!hasSink) setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`);
  const started: { sink?: Sink | undefined } = {};
  const health = () => started.sink?.status() ?? { isReady: !hasSink, waiting: [] };
  const isReady = () => health().isReady;
  if (hasSink) {
    metrics.watchReady('sink', isReady);
    metrics.watchSink(() => started.sink?.status());
  }

  const startServer = async (): Promise<Pick<Running, 'api' | 'healthUrl'>> => {
    const { host } = config;
    if (!roles.includes('api')) {
      const healthServer = await startHealth({ host, port: config.sinkPort, health, metrics });
      stops.push(() => healthServer.stop());
      return { healthUrl: healthServer.url };
    }
    const api = await startApi({
      host,
      port: config.port,
      storeUrl: options.apiUrl,
      auth: options.auth,
      corsOrigins: config.corsOrigins,
      trustProxy: config.trustProxy,
      rateLimits: config.rateLimits,
      ...(options.localTokens === undefined && { introspection: config.introspectionRoles }),
      operations: {
        manifest: readManifest(config.persistedOperationsManifest),
        listedOnly: config.persistedOperationsOnly,
      },
      heavyQueries: config.heavyQueries,
      statementTimeoutMs: config.statementTimeoutMs,
      log,
      ...(options.localTokens && { localTokens: options.localTokens }),
      metrics: () => metrics.write(),
      isReady,
    });
    stops.push(() => api.stop());
    return { api };
  };
  const [server, reading] = await Promise.allSettled([
    startServer(),
    hasSink ? plugSink(options, metrics, stops, started) : undefined,
  ]);
  if (server.status === 'rejected' || reading.status === 'rejected') {
    await stop().catch((late: unknown) => log.warn({ err: late }, 'could not stop in order'));
    throw server.status === 'rejected' ? server.reason : (reading as PromiseRejectedResult).reason;
  }
  const { sink } = started;
  const stopped = new Promise<void>((resolve) => stops.unshift(async () => resolve()));
  const finished = sink ? Promise.race([sink.finished.then(() => stopped), stopped]) : stopped;
  return { ...server.value, finished, stop };
}

/** @throws Problem BAD_SETTINGS if the file cannot be read */
function readManifest(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Problem(
      'BAD_SETTINGS',
      `PERSISTED_OPERATIONS_MANIFEST cannot be read: ${String(error)}`,
      'Give the path of the file that @apollo/generate-persisted-query-manifest or relay-compiler wrote.',
    );
  }
}

async function plugSink(
  options: RunOptions,
  metrics: Metrics,
  stops: (() => Promise<void>)[],
  started: { sink?: Sink | undefined },
): Promise<void> {
  const { config, log } = options;
  const kafka = createKafka(kafkaSettings(config, await options.brokers), log);
  stops.push(() => kafka.close());
  const store = openStore({ url: options.sinkUrl, poolSize: SINK_CONNECTIONS });
  stops.push(() => store.close());
  const notifier = createNotifier(options.sinkUrl, (error) =>
    log.warn({ err: error }, 'could not notify listeners; they poll every second anyway'),
  );
  stops.push(() => notifier.close());
  const schemas = openSchemas(config, log);
  let rulesAt = createRulesTimeline([]);
  const sink = startSink({
    kafka,
    topic: config.kafkaTopic,
    groupId: config.kafkaGroupId,
    partitions: PARTITIONS,
    store,
    notifier,
    decoding: {
      textSpeedUnit: config.textSpeedUnit,
      textTimeZone: config.textTimeZone,
      zones: zonesInForce(() => rulesAt),
      decodeUtf8,
      binary: schemas,
      loadSchemas: schemas.load,
    },
    loadRules: async () => {
      // Asked first, and again until the database answers.
      await checkSession(store);
      const rows = await readRules(store);
      rulesAt = createRulesTimeline(rows);
      for (const { effectiveFromMs } of rows) loadZones(rulesAt(effectiveFromMs).zoneData);
      return { fold: { rulesAt, zonesOf: loadZones }, rows: rows.length };
    },
    ensurePartitions: createPartitions(store),
    log,
    deadLetterBytes: config.deadLetterMb * 1024 * 1024,
    onBatch: (batch) => metrics.countBatch(batch),
  });
  stops.push(() => sink.stop());
  const pruning = startPruning({
    store,
    lives: {
      changesDays: config.keepChangesDays,
      idempotencyKeysDays: config.keepIdempotencyKeysDays,
    },
    log,
    onPruned: (rows) => metrics.countPruned(rows),
    onSizes: (bytes) => metrics.setTableBytes(bytes),
  });
  stops.push(() => pruning.stop());
  // Before the sink, which would otherwise wait for a registry that does not answer.
  stops.push(() => Promise.resolve(schemas.close()));
  started.sink = sink;
  await sink.started;
}

/**
 * Runs until SIGTERM, SIGINT or a crash; a second signal ends the process at once.
 * @returns the exit code.
 */
export async function untilTold(
  { finished, stop }: Pick<Running, 'finished' | 'stop'>,
  log: Logger,
): Promise<number> {
  let signals = 0;
  const told = new Promise<number>((resolve) => {
    onInterrupt((reason) => {
      signals += 1;
      if (signals > 1) process.exit(130);
      log.info(`${reason}: stopping; interrupt again to stop at once`);
      resolve(0);
    });
  });
  const crashed = finished.then(
    () => 0,
    (error: unknown) => {
      log.fatal(
        { err: error },
        `stopping: ${error instanceof Error ? error.message : String(error)}`,
      );
      return 1;
    },
  );
  const code = await Promise.race([told, crashed]);
  const limit = new AbortController();
  const late = sleep(STOP_MS, 'late' as const, { signal: limit.signal }).catch(() => undefined);
  if ((await Promise.race([stop(), late])) === 'late') {
    log.error(`not everything stopped within ${STOP_MS / 1000} s; exiting anyway`);
    return 1;
  }
  limit.abort();
  return code;
}
