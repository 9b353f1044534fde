import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** A statement as it ran. */
export interface RanStatement {
  readonly text: string;
  /** Rows that it returned. */
  readonly rows: number;
  readonly scans: readonly Scan[];
}

/** What one scan of a table did, all its loops together. */
interface Scan {
  /** As in `Index Scan using trip_id_key on trip`. */
  readonly title: string;
  readonly kind: string;
  readonly table: string;
  /** Rows that it read, including those that its filter removed. */
  readonly read: number;
}

const SETTINGS: Readonly<Record<string, string>> = {
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '0',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_timing': 'off',
  'auto_explain.log_format': 'json',
};

/** Where `startPostgres` lets it write its log. */
const LOG = `current_setting('data_directory') || '/../postgres.log'`;

const PLAN = /LOG: {2}duration: .* plan:\n((?:\t.*\n)+)/g;

/**
 * Follows the statements of a login in the owner's database, from its next session on: PostgreSQL writes
 * to its log how it ran them. The PostgreSQL must be one that `startPostgres` started.
 * @param owner a superuser
 * @returns gives the statements since the last call, once all transactions of the login are over
 */
export async function followPlans(
  owner: pg.Client,
  user: string,
): Promise<() => Promise<RanStatement[]>> {
  const { rows } = await owner.query<{ database: string }>('select current_database() as database');
  for (const [name, value] of Object.entries(SETTINGS)) {
    await owner.query(
      `alter role ${user} in database ${rows[0]?.database} set ${name} = '${value}'`,
    );
  }
  let seen = await sizeOfLog(owner);
  return async () => {
    while ((await countBusy(owner, user)) > 0) await sleep(2);
    const size = await sizeOfLog(owner);
    const { rows: read } = await owner.query<{ log: Buffer }>(
      `select pg_read_binary_file(${LOG}, $1, $2) as log`,
      [seen, size - seen],
    );
    seen = size;
    return [...(read[0]?.log.toString('utf8') ?? '').matchAll(PLAN)].map(([, json]) => {
      const { 'Query Text': text, Plan: root } = JSON.parse(json ?? '') as {
        'Query Text': string;
        Plan: PlanNode;
      };
      return { text, rows: root['Actual Rows'], scans: listScans(root) };
    });
  };
}

async function sizeOfLog(owner: pg.Client): Promise<number> {
  const { rows } = await owner.query<{ size: string }>(`select size from pg_stat_file(${LOG})`);
  return Number(rows[0]?.size);
}

async function countBusy(owner: pg.Client, user: string): Promise<number> {
  const { rows } = await owner.query<{ busy: number }>(
    `select count(*)::int as busy from pg_stat_activity
     where usename = $1 and datname = current_database() and state <> 'idle'`,
    [user],
  );
  return rows[0]?.busy ?? 0;
}

function listScans(node: PlanNode): Scan[] {
  const below = (node.Plans ?? []).flatMap(listScans);
  const { 'Node Type': kind, 'Relation Name': table, 'Index Name': index } = node;
  if (table === undefined) return below;
  const { 'Actual Rows': given, 'Actual Loops': loops } = node;
  const dropped =
    (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  const title = `${kind}${index === undefined ? '' : ` using ${index}`} on ${table}`;
  return [{ title, kind, table, read: Math.round((given + dropped) * loops) }, ...below];
}
