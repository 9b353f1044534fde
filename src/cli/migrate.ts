import type { Command } from 'commander';
import { deriveLogins } from '../local/logins.ts';
import { hidePassword } from '../local/surroundings.ts';
import { findDatabase, openSession } from './session.ts';

export function defineMigrate(program: Command): void {
  program
    .command('migrate')
    .description(
      'Bring the database to this version: roles, tables, walls. Does nothing when done.',
    )
    .addHelpText(
      'after',
      `
DATABASE_URL is the owner's login. The roles odograph_sink and odograph_api get the passwords that
DATABASE_SINK_URL and DATABASE_API_URL name, else ones made from the owner's.

Example:
  DATABASE_URL=postgresql://owner:…@db/odograph odograph migrate`,
    )
    .action(async () => {
      const { config, print } = openSession();
      const url = findDatabase(config);
      const { migrate } = await import('../store/setup/migrate.ts');
      const { applied, renewed } = await migrate({ url, logins: deriveLogins(config, url) });
      for (const name of applied) print(`applied ${name}`);
      if (renewed) print('this store is another one than before: cursors given out earlier expire');
      print(`${hidePassword(url)} is up to date`);
    });
}
