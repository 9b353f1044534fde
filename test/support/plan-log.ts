import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** Settings of a PostgreSQL that can write to its log how it ran each statement. */
export const EXPLAINING: Record<string, string> = {
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_timing': 'off',
  'auto_explain.log_format': 'json',
  log_line_prefix: '',
};

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
  /** Rows that it gave. */
  readonly rows: number;
  readonly scans: readonly Scan[];
}

/** What one scan of a table did, all its loops together. */
interface Scan {
  /** As in `Index Scan using trip_id_key on trip`. */
  readonly title: string;
  readonly kind: string;
  readonly table: string;
  /** Rows that it read, those among them that it did not let through. */
  readonly read: number;
}

const PLAN = /^LOG: {2}duration: .* plan:\n((?:\t.*\n)+)/gm;

/**
 * Follows what a login asks of a PostgreSQL that was started with EXPLAINING.
 * @returns gives the statements since it was last called, once all transactions of the login are over
 */
export async function followPlans(
  owner: pg.Client,
  { dataDir, user }: { readonly dataDir: string; readonly user: string },
): Promise<() => Promise<RanStatement[]>> {
  const file = join(dataDir, 'postgres', 'postgres.log');
  const log = await open(file);
  let seen = (await log.stat()).size;
  await owner.query(`alter role ${user} set auto_explain.log_min_duration = 0`);
  return async () => {
    while ((await countBusy(owner, user)) > 0) await sleep(2);
    const { size } = await log.stat();
    const { buffer } = await log.read(Buffer.alloc(size - seen), 0, size - seen, seen);
    seen = size;
    return [...buffer.toString('utf8').matchAll(PLAN)].map(([, json]) => {
      const { 'Query Text': text, Plan: root } = JSON.parse(json ?? '') as {
        'Query Text': string;
        Plan: PlanNode;
      };
      return { text, rows: root['Actual Rows'], scans: listScans(root) };
    });
  };
}

async function countBusy(owner: pg.Client, user: string): Promise<number> {
  const { rows } = await owner.query<{ busy: number }>(
    `select count(*)::int as busy from pg_stat_activity where usename = $1 and state <> 'idle'`,
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
