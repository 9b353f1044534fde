import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { columnsFor } from '../../src/api/export/columns.ts';
import { writeCsv } from '../../src/api/export/csv.ts';
import { writeParquet } from '../../src/api/export/parquet.ts';
import type { ExportedTrip } from '../../src/store/read/trip-export.ts';
import { makeFolder } from '../support/child.ts';
import { has, PYTHON } from '../support/programs.ts';

/** External ids that look like other types, and a trip without a driver. */
const DRIVERS = ['NA', 'null', '0012', '1E5', 'TRUE', '2026-02-01', null, "O'Neil"] as const;
const STARTED_AT_MS = Date.UTC(2026, 1, 1, 22, 30);
const COLUMNS = columnsFor({ role: 'INSURER' });

const trips = DRIVERS.map((driverExternalId, i): ExportedTrip => ({
  ...{ id: i + 1, revision: 1, deviceId: `00${i}`, driverRef: i, vehicleRef: null, closed: true },
  ...{ startedAtMs: STARTED_AT_MS, endedAtMs: STARTED_AT_MS + 60_000, endReason: 'IGNITION' },
  ...{ timeZone: 'America/New_York', localDate: '2026-02-01', distanceM: 1_500 },
  ...{ distanceSource: 'GPS', bridgedM: 0, movingMs: 60_000, idleMs: 0, maxSpeedCkmh: 5_000 },
  ...{ nightM: 0, fixes: 4, days: [], rulesVersion: 'test', updatedAtMs: STARTED_AT_MS },
  ...{ driverExternalId, vehicleExternalId: null },
}));

/** The calls of docs/actuaries.md for a reader: one for each file. */
function callsOf(language: string): string {
  const page = readFileSync('docs/actuaries.md', 'utf8');
  const block = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(page)?.[1];
  if (block === undefined) throw new Error(`docs/actuaries.md has no block ${language}`);
  return block;
}

async function writeFiles(): Promise<string> {
  const folder = makeFolder();
  const batches = async function* () {
    yield trips;
  };
  const csv: string[] = [];
  for await (const part of writeCsv(COLUMNS, batches(), { guard: true })) csv.push(part);
  writeFileSync(join(folder, 'trips.csv'), csv.join(''));
  const parquet: Uint8Array[] = [];
  for await (const part of writeParquet(COLUMNS, batches(), {})) parquet.push(part);
  writeFileSync(join(folder, 'trips.parquet'), Buffer.concat(parquet));
  return folder;
}

/** After each call, prints drivers and devices as JSON, and how many trips started in an hour given in UTC. */
const SHOWS: Readonly<Record<string, string>> = {
  pandas: `import json
rows = trips.astype(object).where(trips.notna(), None)
hour = (trips["started_at"] >= "2026-02-01 22:00:00+00:00") & (trips["started_at"] < "2026-02-01 23:00:00+00:00")
print(json.dumps([list(rows["driver"]), list(rows["device"]), int(hour.sum())]))`,
  polars: `import json, datetime
start = datetime.datetime(2026, 2, 1, 22, tzinfo=datetime.timezone.utc)
hour = trips.filter((polars.col("started_at") >= start) & (polars.col("started_at") < start + datetime.timedelta(hours=1)))
print(json.dumps([trips["driver"].to_list(), trips["device"].to_list(), len(hour)]))`,
  duckdb: `import json
duckdb.sql("set TimeZone = 'America/New_York'")
hour = duckdb.sql("select count(*) from trips where started_at >= timestamptz '2026-02-01 22:00:00+00' and started_at < timestamptz '2026-02-01 23:00:00+00'").fetchall()[0][0]
rows = trips.project("driver, device").fetchall()
print(json.dumps([[r[0] for r in rows], [r[1] for r in rows], hour]))`,
};

const RIGHT = [DRIVERS, trips.map(({ deviceId }) => deviceId), trips.length];

// The tools belong to the actuary, not to Odograph: those on this machine are tested.
for (const [reader, show] of Object.entries(SHOWS)) {
  if (has(PYTHON, ['-c', `import ${reader}${reader === 'pandas' ? ', pyarrow' : ''}`])) {
    describe(`the calls for ${reader}`, () => {
      it('read text as text and instants as instants, from Parquet and from CSV', async () => {
        const calls = callsOf(`python ${reader}`);
        const [imports = '', ...each] = calls.split(/^(?=trips = )/m);
        const between = each.map((call) => `${call}\n${show}\n`).join('');
        const program = `${imports}${between}`;
        const told = execFileSync(PYTHON, ['-c', program], {
          cwd: await writeFiles(),
          encoding: 'utf8',
        });
        const answers = told
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown);
        expect(answers).toEqual([RIGHT, RIGHT]);
      });
    });
  }
}

if (has('Rscript', ['-e', '1'])) {
  describe('the call for R', () => {
    it('reads text as text', async () => {
      const program = `${callsOf('r')}\ncat(ifelse(is.na(trips$driver), "<none>", trips$driver), sep = "\\n")`;
      const told = execFileSync('Rscript', ['-e', program], {
        cwd: await writeFiles(),
        encoding: 'utf8',
      });
      expect(told.split('\n').filter((line) => line !== '')).toEqual(
        DRIVERS.map((d) => d ?? '<none>'),
      );
    });
  });
}

describe('the page for actuaries', () => {
  it('has a call for each reader', () => {
    for (const reader of Object.keys(SHOWS))
      expect(callsOf(`python ${reader}`)).toContain('trips = ');
    expect(callsOf('r')).toContain('read.csv');
  });
});
