/**
 * What one late event costs, for a device with a short and one with a long past:
 *
 *   npm run bench:repair -- [--short 10000] [--long 10000000]
 *
 * Starts a PostgreSQL of its own. Each device is stored as the sink would have stored it, with its
 * checkpoints and trips; then single late events go through a sink that has just started, and
 * PostgreSQL's own statistics tell the rows read and written.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startPostgres } from '../src/local/postgres.ts';
import { migrate } from '../src/store/setup/migrate.ts';
import { openStore } from '../src/store/open.ts';
import { createSinkContext } from '../test/sink/context.ts';
import { LATE, lateEvent, measureLateEvent, PARKING, storeLife } from '../test/sink/lives.ts';

const { values: args } = parseArgs({
  options: {
    short: { type: 'string', default: '10000' },
    long: { type: 'string', default: '10000000' },
  },
});
const SIZES = [Number(args.short), Number(args.long)];

const folder = mkdtempSync(join(tmpdir(), 'odograph-bench-repair-'));
const postgres = await startPostgres({ dataDir: folder, port: 0 });
try {
  const sink = new URL(postgres.ownerUrl);
  sink.username = 'odograph_sink';
  sink.password = 'bench';
  const urls = { ownerUrl: postgres.ownerUrl, sinkUrl: sink.href };
  await migrate({ url: urls.ownerUrl, logins: { sinkUrl: urls.sinkUrl } });
  const store = openStore({ url: urls.sinkUrl, poolSize: 2 });
  for (const parking of PARKING) {
    for (const size of SIZES) {
      const startedAtMs = performance.now();
      const stored = await storeLife(
        createSinkContext(store, 'bench'),
        `${parking} ${size}`,
        parking,
        size,
      );
      const seconds = (performance.now() - startedAtMs) / 1000;
      console.log(`${parking}: ${stored} events stored in ${seconds.toFixed(0)} s`);
    }
  }
  await store.close();
  const owner = new pg.Client({ connectionString: urls.ownerUrl });
  await owner.connect();
  await owner.query('vacuum analyze');
  await owner.end();
  console.log('\n| device | late event | stored | rows read | rows written | ms |');
  console.log('|---|---|---|---|---|---|');
  for (const parking of PARKING) {
    for (const late of LATE) {
      for (const size of SIZES) {
        const event = lateEvent(parking, size, late);
        const cost = await measureLateEvent(urls, 'bench', `${parking} ${size}`, event);
        const { read, written, ms } = cost;
        console.log(`| ${parking} | ${late} | ${size} | ${read} | ${written} | ${ms.toFixed(0)} |`);
      }
    }
  }
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
