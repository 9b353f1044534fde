import { Buffer } from 'node:buffer';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeJson } from '../../../src/core/decode/json.ts';
import { digestOf } from '../../../src/core/digest.ts';
import { createRulesTimeline } from '../../../src/core/rules.ts';
import type { SinkContext } from '../../../src/sink/context.ts';
import { loadOffsets } from '../../../src/store/ingest/offsets.ts';
import { LOCKS } from '../../../src/store/locks.ts';
import { openStore, type Store } from '../../../src/store/open.ts';
import { readRules } from '../../../src/store/rules.ts';
import { addRules, listRules } from '../../../src/store/setup/rules.ts';
import { loadZones } from '../../../src/zones.ts';
import { createSinkContext, processBatch } from '../../sink/context.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let store: Store;
let owner: pg.Client;
let offset = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore({ url: database.sinkUrl, poolSize: 2 });
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await loadOffsets(store, 'telematics', new Map([[0, 0]]));
});
afterAll(async () => {
  await owner.end();
  await store.close();
  await database.drop();
});

/** In Vancouver, whose clocks two releases of zone data put apart from November 2026 on. */
function eventsOf(fromMs: number, seconds: number, everyS = 10) {
  return Array.from({ length: seconds / everyS }, (_, i) => {
    const content = {
      atMs: fromMs + i * everyS * 1_000,
      latE7: 492_600_000 + i * everyS * 1_500,
      lonE7: -1_231_100_000,
      speedCkmh: 6_000,
    };
    return { ...content, digest: digestOf(content) };
  });
}

async function send(events: ReturnType<typeof eventsOf>): Promise<void> {
  const rows = await readRules(store);
  const sink: SinkContext = createSinkContext(store, 'telematics');
  const fold = { rulesAt: createRulesTimeline(rows), zonesOf: loadZones };
  const records = events.map((event, i) => ({
    partition: 0,
    offset: offset + i,
    timestampMs: event.atMs,
    key: null,
    value: Buffer.from(encodeJson('ID-1', event)),
    headers: [],
  }));
  const now = () => Math.max(...events.map(({ atMs }) => atMs)) + 1_000;
  await processBatch({ ...sink, now, rules: { fold, rows: rows.length } }, [
    { partition: 0, from: offset, to: offset + records.length, records },
  ]);
  offset += records.length;
}

async function trips() {
  const { rows } = await owner.query(
    `select local_date::text as date, regexp_replace(rules_version, '^[^+]*[+]', '') as zones, revision
     from trip order by started_at`,
  );
  return rows as unknown[];
}

const NOVEMBER = Date.UTC(2026, 10, 20, 20);
const DECEMBER = Date.UTC(2026, 11, 20, 7, 15);

describe('a row of the rules', () => {
  it('is refused where an event is stored at or after its instant, and takes effect after all of them', async () => {
    await send(eventsOf(NOVEMBER, 600));
    await send(eventsOf(NOVEMBER + 7_200_000, 600));
    const newest = NOVEMBER + 7_200_000 + 590_000;
    const [{ version: begun } = { version: '' }] = await listRules(database.ownerUrl);
    const version = `${begun}+2025b+11.7.0`;
    await expect(
      addRules(database.ownerUrl, { effectiveFromMs: newest, version }),
    ).rejects.toMatchObject({
      code: 'RULES_REFUSED',
      message: expect.stringContaining('the newest event lies at 2026-11-20T22:09:50Z'),
    });
    await addRules(database.ownerUrl, { effectiveFromMs: newest + 1_000, version });
    await expect(
      addRules(database.ownerUrl, { effectiveFromMs: newest + 1_000, version: '2' }),
    ).rejects.toMatchObject({ code: 'RULES_REFUSED' });
    expect((await listRules(database.ownerUrl)).at(-1)).toEqual({
      effectiveFromMs: newest + 1_000,
      version,
    });
  });

  it('leaves earlier trips as they were, also when a late event folds them again', async () => {
    const before = await trips();
    expect(before).toEqual([
      { date: '2026-11-20', zones: '2026f+11.7.0', revision: 1 },
      { date: '2026-11-20', zones: '2026f+11.7.0', revision: 1 },
    ]);
    // Between the trips: nothing that readers see changes.
    const [parked] = eventsOf(NOVEMBER + 3_600_000, 10);
    const content = { ...parked!, speedCkmh: 0, latE7: 492_600_000 + 59 * 15_000 };
    await send([{ ...content, digest: digestOf(content) }]);
    expect(await trips()).toEqual(before);
    await send(eventsOf(DECEMBER, 600));
    // By 2026f, in which Vancouver keeps summer time, it would be the 20th.
    expect((await trips()).at(-1)).toEqual({
      date: '2026-12-19',
      zones: '2025b+11.7.0',
      revision: 1,
    });
  });

  it('waits for the commits under way', async () => {
    await owner.query('begin');
    await owner.query('select pg_advisory_xact_lock_shared($1)', [LOCKS.rules]);
    let isAdded = false;
    const adding = addRules(database.ownerUrl, {
      effectiveFromMs: Date.UTC(2030, 0),
      version: '2',
    }).then(() => (isAdded = true));
    await owner.query('select pg_sleep(0.3)');
    expect(isAdded).toBe(false);
    await owner.query('commit');
    await adding;
  });

  it('is never changed or taken away', async () => {
    for (const statement of [
      `update rules set version = '1'`,
      'delete from rules',
      'truncate rules',
    ]) {
      await expect(owner.query(statement)).rejects.toThrow('a row of rules is never changed');
    }
  });
});
