import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { digestOf } from '../src/core/digest.ts';
import type { CanonicalEvent } from '../src/core/event.ts';
import { migrate } from '../src/store/setup/migrate.ts';
import { openStore } from '../src/store/open.ts';
import { createPartitions } from '../src/store/ingest/partitions.ts';
import type { EventRow } from '../src/store/rows.ts';
import { COPY_EVENTS, encodeCopy, secOf } from '../src/store/rows.ts';
import { createTree } from './cpu.ts';

const DEVICES = 2_000;
const SECONDS = 500;
const BATCH_SECONDS = 25;
const START_MS = Date.UTC(2026, 0, 15);

/**
 * The write of events alone: batches of 50,000 sorted rows by COPY through Prisma's transaction, one
 * encoded while the one before is written, as the sink does, beside the server reading the same rows from one binary file.
 */
export async function measureWriteStage(adminUrl: string) {
  const batches = makeBatches();
  const events = DEVICES * SECONDS;
  const database = `odograph_bench_${randomBytes(4).toString('hex')}`;
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  await admin.query(`create database ${database}`);
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  await migrate({ url: String(url) });
  const store = openStore({ url: String(url), poolSize: 2 });
  await createPartitions(store)([secOf(START_MS), secOf(START_MS + SECONDS * 1000)]);
  const file = `/tmp/${database}.copy`;
  const owner = new pg.Client(String(url));
  await owner.connect();
  const backend = (await owner.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!
    .pid;
  const postgres = createTree(createTree(backend).parent());

  const measure = async (name: string, work: () => Promise<void>) => {
    await owner.query('checkpoint');
    const cpu = postgres.cpuSeconds();
    const own = process.cpuUsage();
    const from = performance.now();
    await work();
    const rate = (events / (performance.now() - from)) * 1000;
    const used = process.cpuUsage(own);
    return {
      name,
      total: rate,
      steady: rate,
      clientCpuS: (used.user + used.system) / 1e6,
      postgresCpuS: postgres.cpuSeconds() - cpu,
    };
  };
  const own = await measure('write stage: COPY through Prisma', async () => {
    let writing: Promise<unknown> = Promise.resolve();
    for (const rows of batches) {
      const copy = encodeCopy(rows);
      await writing;
      writing = store.largeValues.send(copy, (reference) =>
        store.prisma.$transaction((tx) => tx.$executeRawUnsafe(COPY_EVENTS, reference)),
      );
    }
    await writing;
  });
  await owner.query(
    `copy (select * from event order by sec / ${BATCH_SECONDS}, device_id, sec) to '${file}' (format binary)`,
  );
  await owner.query('truncate event');
  const server = await measure('write stage: the server from a file', async () => {
    await owner.query(`copy event from '${file}' (format binary)`);
  });
  await owner.query(`copy (select 1) to program 'rm ${file}'`);
  await owner.end();
  await store.close();
  await admin.query(`drop database ${database} with (force)`);
  await admin.end();
  return [own, server];
}

/** One fix a second of each device, in batches as a sink takes them, each sorted by key. */
function makeBatches(): EventRow[][] {
  const batches: EventRow[][] = [];
  for (let from = 0; from < SECONDS; from += BATCH_SECONDS) {
    const rows: EventRow[] = [];
    for (let deviceId = 1; deviceId <= DEVICES; deviceId += 1) {
      for (let second = from; second < from + BATCH_SECONDS; second += 1) {
        const content: Omit<CanonicalEvent, 'digest'> = {
          atMs: START_MS + second * 1000 + (deviceId % 1000),
          latE7: 400_000_000 + deviceId * 1000 + second,
          lonE7: -960_000_000 - second * 13,
          speedCkmh: 5_000 + ((deviceId * second) % 700),
          headingDdeg: (deviceId + second) % 3600,
          odometerM: 1_000_000 + second * 14,
        };
        rows.push({ deviceId, event: { ...content, digest: digestOf(content) } });
      }
    }
    batches.push(rows);
  }
  return batches;
}
