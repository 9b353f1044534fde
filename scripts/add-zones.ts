// Adds the newest release of the tz data to zone-data/, beside those that are there: `npm run zones:add`
// updates moment-timezone, whose packed form it keeps, and runs this. A file is written once: trips of
// its time are folded by it for ever.
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const require = createRequire(import.meta.url);
const { version, zones, links } = require('moment-timezone/data/packed/latest.json') as {
  readonly version: string;
  readonly zones: readonly string[];
  readonly links: readonly string[];
};
const file = fileURLToPath(new URL(`../zone-data/${version}.json.gz`, import.meta.url));

/** Without abbreviations and populations, which nothing reads. */
function withoutNames(zone: string): string {
  const [name, , offsets, indices, lengths] = zone.split('|');
  return [name, '', offsets, indices, lengths].join('|');
}

if (existsSync(file)) console.log(`zone-data has ${version} already`);
else {
  writeFileSync(
    file,
    gzipSync(JSON.stringify({ version, zones: zones.map(withoutNames), links }), { level: 9 }),
  );
  console.log(
    `zone-data/${version}.json.gz is new; \`odograph rules add --zones ${version}+…\` puts it in force`,
  );
}
