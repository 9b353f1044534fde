import type { CanonicalEvent } from '../../core/event.ts';
import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
import type { StoredEvent } from '../rows.ts';
import { EVENT_COLUMNS, rowToEvent } from '../rows.ts';

const COLUMNS = Prisma.raw(
  ['device_id', 'sec', 'rest', ...EVENT_COLUMNS].map((c) => `e.${c}`).join(', '),
);

/** A range of one device's events by key, both ends included. */
export interface EventSpan {
  readonly deviceRef: number;
  readonly anchorSec: number;
  readonly anchorRest: bigint;
  readonly lastSec: number;
  readonly lastRest: bigint;
}

/** More events than a trip has. A limit whose value PostgreSQL cannot see makes it read in index order. */
const MAX_PATH = 1_000_000;

/** The events of each span that have a position, in order. */
export async function readPaths(
  tx: Transaction,
  spans: readonly EventSpan[],
): Promise<CanonicalEvent[][]> {
  const rows = await tx.$queryRaw<(StoredEvent & { place: bigint })[]>`
    select w.place, ${COLUMNS} from unnest(${spans.map((s) => s.deviceRef)}::int[],
        ${spans.map((s) => s.anchorSec)}::int[], ${spans.map((s) => s.anchorRest)}::bigint[],
        ${spans.map((s) => s.lastSec)}::int[], ${spans.map((s) => s.lastRest)}::bigint[])
      with ordinality as w(device_id, anchor_sec, anchor_rest, last_sec, last_rest, place)
    cross join lateral (
      select * from event e where e.device_id = w.device_id and e.lat_e7 is not null
        and (e.sec, e.rest) >= (w.anchor_sec, w.anchor_rest) and (e.sec, e.rest) <= (w.last_sec, w.last_rest)
      order by e.sec, e.rest limit (select ${MAX_PATH}::int)) as e
    order by w.place, e.sec, e.rest`;
  const paths = spans.map((): CanonicalEvent[] => []);
  for (const row of rows) paths[Number(row.place) - 1]?.push(rowToEvent(row));
  return paths;
}
