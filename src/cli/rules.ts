import type { Command } from 'commander';
import { createRulesTimeline, type RulesRow } from '../core/rules.ts';
import { Problem } from '../problem.ts';
import { listZones, loadZones } from '../zones.ts';
import { findDatabase, openSession } from './session.ts';

interface AddOptions {
  readonly from: string;
  readonly rules?: string;
  readonly cap?: string;
  readonly zones?: string;
}

export function defineRules(program: Command): void {
  const rules = program
    .command('rules')
    .description('The rules and zone data by which trips are folded, by the time of their events.');

  rules
    .command('list')
    .description('Print the rules, one JSON object a line, in the order in which they take effect.')
    .action(async () => {
      const { config, print } = openSession();
      const { listRules } = await import('../store/setup/rules.ts');
      for (const { effectiveFromMs, version } of await listRules(findDatabase(config))) {
        const zoneData = createRulesTimeline([{ effectiveFromMs, version }])(0).zoneData;
        print(
          JSON.stringify({
            from: new Date(effectiveFromMs),
            version,
            zones: loadZones(zoneData).version,
          }),
        );
      }
    });

  rules
    .command('add')
    .description(
      'Put rules or zone data in force from an instant on, later than every stored event.',
    )
    .requiredOption('--from <instant>', 'when they take effect, such as 2027-01-01T00:00:00Z')
    .option('--rules <number>', 'version of the rules; as before if not given')
    .option('--cap <kmh>', 'speed cap in km/h, or none; as before if not given')
    .option('--zones <release>', 'release of the zone data; as before if not given')
    .addHelpText(
      'after',
      `
Trips that start earlier keep their rules, also when late messages change them. A row is never changed or taken
away. Bring every sink to a version that has the rules and the zone data first. Zone data of this version:
${listZones().join(', ')}.

Example:
  odograph rules add --from 2027-01-01T00:00:00Z --zones ${listZones().at(-1)}`,
    )
    .action(async (options: AddOptions) => {
      const { config, print } = openSession();
      const url = findDatabase(config);
      const { addRules, listRules } = await import('../store/setup/rules.ts');
      const rows = await listRules(url);
      const row = toRow(options, rows.at(-1)?.version ?? '1');
      loadZones(createRulesTimeline([...rows, row])(row.effectiveFromMs).zoneData);
      await addRules(url, row);
      print(JSON.stringify({ from: new Date(row.effectiveFromMs), version: row.version }));
    });
}

/** @throws Problem BAD_ARGUMENTS */
function toRow({ from, ...options }: AddOptions, before: string): RulesRow {
  const effectiveFromMs = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(from)
    ? Date.parse(from)
    : NaN;
  if (Number.isNaN(effectiveFromMs)) {
    throw new Problem(
      'BAD_ARGUMENTS',
      `--from is ${from}; it must be an instant with a zone.`,
      'Write it like 2027-01-01T00:00:00Z.',
    );
  }
  const [left = '', ...zoneData] = before.split('+');
  const [number = '', cap] = left.split('/cap=');
  const { rules = number, cap: newCap = cap, zones = zoneData.join('+') } = options;
  const version = `${rules}${newCap === undefined || newCap === 'none' ? '' : `/cap=${newCap}`}${zones === '' ? '' : `+${zones}`}`;
  return { effectiveFromMs, version };
}
