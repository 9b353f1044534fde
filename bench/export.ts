/**
 * What an export of a million trips takes of the API's process:
 *
 *   npm run bench:export -- [--trips 1000000] [--rounds 3] [--data DIR]
 *
 * Each file is asked for by HTTP from a process that has just started, so that its peak of resident
 * memory (VmHWM of /proc, Linux) is that of one export; its rows are counted when it has come. It
 * ends with 1 where rows are missing or a peak is not below 300 MB. With --data the filled database
 * is kept and used again.
 */
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';
import { fillTrips } from './fill-trips.ts';
import { medianOf } from './load.ts';
import type { FilledStore } from './served.ts';
import { authorize, openFilledStore } from './served.ts';

const { values: args } = parseArgs({
  options: {
    trips: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    data: { type: 'string' },
  },
});
/** Bytes. */
const PROMISED_PEAK = 300e6;
const LINE_FEED = 10;

const COUNT_ROWS: Readonly<Record<string, (file: string) => Promise<number>>> = {
  parquet: async (file) =>
    Number((await parquetMetadataAsync(await asyncBufferFromFile(file))).num_rows),
  csv: async (file) => {
    let lines = 0;
    for await (const part of createReadStream(file) as AsyncIterable<Buffer>) {
      for (let at = part.indexOf(LINE_FEED); at >= 0; at = part.indexOf(LINE_FEED, at + 1)) lines++;
    }
    // Without the heading.
    return lines - 1;
  },
};

interface Taken {
  readonly rows: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Resident bytes of the process that has just started, and at most until the file was there. */
  readonly resting: number;
  readonly peak: number;
}

const folder = mkdtempSync(join(tmpdir(), 'odograph-bench-export-'));
const store = await openFilledStore(args.data, (owner) => fillTrips(owner, Number(args.trips)));
try {
  const { rows } = await store.owner.query<{ n: number }>('select count(*)::int as n from trip');
  const expected = rows[0]?.n ?? 0;
  const takings: (readonly [string, Taken[]])[] = Object.keys(COUNT_ROWS).map((format) => [
    format,
    [],
  ]);
  for (let round = 0; round < Number(args.rounds); round++) {
    for (const [format, taken] of takings) taken.push(await takeExport(store, format));
  }
  console.log(
    `${expected} trips, ${args.rounds} rounds: medians, the highest peak\n\n` +
      '| | rows | MB | seconds | rows/s | MB resident before | MB resident at most |\n|---|---:|---:|---:|---:|---:|---:|',
  );
  for (const [format, taken] of takings) {
    const of = (key: keyof Taken) => medianOf(taken.map((each) => each[key]));
    const peak = Math.max(...taken.map((each) => each.peak));
    console.log(
      `| ${format} | ${of('rows')} | ${toMb(of('bytes'))} | ${of('seconds').toFixed(1)} | ${(of('rows') / of('seconds')).toFixed(0)} | ${toMb(of('resting'))} | ${toMb(peak)} |`,
    );
    if (taken.some((each) => each.rows !== expected)) {
      console.error(`${format}: not all rows came`);
      process.exitCode = 1;
    }
    if (peak >= PROMISED_PEAK) {
      console.error(`${format}: the peak is not below ${toMb(PROMISED_PEAK)} MB`);
      process.exitCode = 1;
    }
  }
} finally {
  await store.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function takeExport({ serve }: FilledStore, format: string): Promise<Taken> {
  const file = join(folder, `trips.${format}`);
  const headers = await authorize({ role: 'INSURER' });
  const api = await serve();
  try {
    const resting = readMemory(api.pid, 'VmRSS');
    const startedAtMs = performance.now();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(new URL(`/export/trips.${format}`, api.url), { headers }, resolve).on('error', reject);
    });
    if (response.statusCode !== 200) {
      throw new Error(`${format} was answered with ${response.statusCode}`);
    }
    const target = createWriteStream(file);
    await pipeline(response, target);
    const seconds = (performance.now() - startedAtMs) / 1000;
    const peak = readMemory(api.pid, 'VmHWM');
    const rows = await COUNT_ROWS[format]!(file);
    return { rows, bytes: target.bytesWritten, seconds, resting, peak };
  } finally {
    await api.stop();
  }
}

/** Bytes that /proc tells of a process. */
function readMemory(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  if (kib === undefined) throw new Error(`/proc tells no ${name} of ${pid}`);
  return Number(kib) * 1024;
}

function toMb(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
