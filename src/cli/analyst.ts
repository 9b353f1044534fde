import type { Command } from 'commander';
import { closeAnalyst, openAnalyst } from '../store/setup/analysts.ts';
import { Problem } from '../problem.ts';
import { findDatabase, openSession } from './session.ts';

interface AnalystOptions {
  readonly tenant: string;
  readonly revoke?: boolean;
}

export function defineAnalyst(program: Command): void {
  program
    .command('analyst')
    .description(
      "Make the SQL login of a tenant's actuaries; it reads the views of the schema analytics.",
    )
    .option('--tenant <slug>', 'the tenant whose rows it reads', 'default')
    .option('--revoke', 'take the login away instead')
    .addHelpText(
      'after',
      `
Called again it gives the login a new password. The rows are pseudonymous, without coordinates and names;
docs/actuaries.md describes each column.

Examples:
  psql "$(odograph analyst)" -c 'select * from exposure'
  odograph analyst --tenant acme --revoke`,
    )
    .action(async ({ tenant, revoke }: AnalystOptions) => {
      const { config, print, report } = openSession();
      const url = findDatabase(config);
      if (revoke) {
        const closed = await closeAnalyst(url, tenant);
        report(closed ? `The login of ${tenant} no longer works.` : `${tenant} had no login.`);
        return;
      }
      const analyst = await openAnalyst(url, tenant);
      if (analyst === null) {
        throw new Problem(
          'UNKNOWN_TENANT',
          `There is no tenant ${tenant}.`,
          'Name one that there is, with --tenant.',
        );
      }
      report(
        analyst.logged
          ? `${analyst.login} may read; its statements are written to PostgreSQL's log.`
          : `${analyst.login} may read. Its statements are not written to PostgreSQL's log: only a superuser may order that, log_statement = 'all'.`,
      );
      print(analyst.url);
    });
}
