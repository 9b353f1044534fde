import type { Command } from 'commander';
import { deriveLogins } from '../local/logins.ts';
import { claimPort } from '../local/port.ts';
import { readAuth } from '../local/token.ts';
import { findBrokers, findDatabase, openSession } from './session.ts';

/** The two roles, each in a process of its own: any number of them, on any number of machines. */
export function defineRoles(program: Command): void {
  program
    .command('sink')
    .description('Read the topic into the database; several sinks share the partitions.')
    .addHelpText(
      'after',
      `
Needs KAFKA_BROKERS and DATABASE_SINK_URL (or DATABASE_URL); health and metrics are on SINK_PORT.

Example:
  KAFKA_BROKERS=broker1:9092 DATABASE_SINK_URL=postgresql://odograph_sink:…@db/odograph odograph sink`,
    )
    .action(() => runAlone('sink'));
  program
    .command('api')
    .description('Serve GraphQL from the database; run several behind a load balancer.')
    .addHelpText(
      'after',
      `
Needs DATABASE_API_URL (or DATABASE_URL), and AUTH_JWKS_URL if other machines connect.

Example:
  DATABASE_API_URL=postgresql://odograph_api:…@db/odograph HOST=0.0.0.0 AUTH_JWKS_URL=https://id.example/keys odograph api`,
    )
    .action(() => runAlone('api'));
}

async function runAlone(role: 'sink' | 'api'): Promise<void> {
  const { config, log, print } = openSession();
  const [setting, port] =
    role === 'sink' ? (['SINK_PORT', config.sinkPort] as const) : (['PORT', config.port] as const);
  await claimPort(port, { host: config.host, what: `the ${role}`, setting });
  const { databaseSinkUrl, databaseApiUrl } = config;
  const own = role === 'sink' ? databaseSinkUrl : databaseApiUrl;
  const logins = deriveLogins(config, own ?? findDatabase(config));
  const { run, untilTold } = await import('../main.ts');
  const running = await run({
    config,
    log,
    roles: [role],
    brokers: Promise.resolve(role === 'sink' ? findBrokers(config) : []),
    ...logins,
    auth: readAuth(config),
  });
  print(
    role === 'api'
      ? `The API is at ${running.api?.url}`
      : `The sink reads ${config.kafkaTopic}; health is at ${running.healthUrl}/health/ready`,
  );
  process.exitCode = await untilTold(running, log);
}
