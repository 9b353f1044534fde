import type { Command } from 'commander';
import { deriveLogins } from '../local/logins.ts';
import { hidePassword } from '../local/surroundings.ts';
import { findDatabase, openSession } from './session.ts';

export function defineMigrate(program: Command): void {
  program
    .command('migrate')
    .description(
      'Bring the database to this version: roles, tables, row-level security. Safe to repeat.',
    )
    .addHelpText(
      'after',
      `
DATABASE_URL is the owner's login. The roles odograph_sink and odograph_api get the passwords given in
DATABASE_SINK_URL and DATABASE_API_URL, or passwords derived from the owner's.

Example:
  DATABASE_URL=postgresql://owner:…@db/odograph odograph migrate`,
    )
    .action(async () => {
      const { config, print, report } = openSession();
      const url = findDatabase(config);
      const { migrate } = await import('../store/setup/migrate.ts');
      const { applied, renewed } = await migrate({
        url,
        logins: deriveLogins(config, url),
        onWait: report,
      });
      for (const name of applied) print(`applied ${name}`);
      if (renewed)
        print('this is a different database instance than before: earlier cursors are now invalid');
      print(`${hidePassword(url)} is up to date`);
    });
}
