import type { Cell } from '../../../core/stats/figure.ts';
import { quantities } from '../../../core/stats/figure.ts';
import { leastDrivers } from '../../../core/stats/withhold.ts';
import { Prisma } from '../../generated/client.ts';
import type { Transaction } from '../../transaction.ts';
import { COLUMN, flagKinds, FLAGS } from './columns.ts';
import type { GroupKeyColumns, StatsQuestion, StatsSource, SumsWanted } from './question.ts';
import { toKey } from './question.ts';
import { queryTexts } from './texts.ts';
import { groupSets, isTotal, keyList, sourceOf, toTripsSql } from './source.ts';

/** Queries with more groups than this are refused. */
export const MAX_GROUPS = 10_000;

/** Sums of every group; extremes and percentiles are read separately. */
export type SumsCell = Omit<Cell, 'spread'>;

export interface Sums {
  readonly cells: readonly SumsCell[];
  /** Over all trips of the question. */
  readonly total: SumsCell;
}

/** A row's columns: the keys, and the integers as text, because they may exceed a double. */
type RawSums = GroupKeyColumns &
  Readonly<Record<string, string | null>> & {
    readonly whole: boolean;
    readonly drivers: number;
    readonly few: readonly number[] | null;
  };

/**
 * Sums of each group and of the totals; undefined if there are more groups than `MAX_GROUPS`.
 * @param source both give the same numbers if daily sums suffice
 */
export async function readSums(
  tx: Transaction,
  question: StatsQuestion,
  wanted: SumsWanted,
  source: StatsSource = sourceOf(question),
): Promise<Sums | undefined> {
  const rows = await queryTexts<RawSums>(tx, sumsSql(question, wanted, source));
  const cells = rows.filter(({ whole }) => !whole);
  const total = rows.find(({ whole }) => whole);
  if (cells.length > MAX_GROUPS) return undefined;
  if (!total) throw new Error('the totals are a row even without trips');
  return {
    cells: cells.map((row) => toCell(row, question, wanted)),
    total: toCell(total, { ...question, groupBy: [] }, wanted),
  };
}

/**
 * Groups first by driver, then without: distinct drivers are then counted among few rows.
 */
export function sumsSql(
  question: StatsQuestion,
  { squares, events }: SumsWanted,
  source: StatsSource,
): Prisma.Sql {
  const { ctes, from, keys } = toTripsSql(question, { source, flags: events });
  const names = [
    'trips',
    ...quantities.map((q) => COLUMN[q]),
    ...squares.map((q) => `${COLUMN[q]}_sq`),
    ...(events ? flagKinds.map((kind) => FLAGS[kind]) : []),
  ];
  const places = keys.map((_, at) => `${at + 1}`).concat(`${keys.length + 1}`);
  return Prisma.sql`
    with ${ctes} counted as (
      select ${Prisma.join([...keys, Prisma.sql`t.driver_id`], ', ')}, ${Prisma.raw(names.map((name) => `sum(t.${name}) as ${name}`).join(', '))}
      from ${from} group by ${Prisma.raw(places.join(', '))})
    select ${keyList(question, true)}${isTotal(question)} as whole, count(distinct driver_id)::int as drivers,
      case when count(distinct driver_id) < ${leastDrivers} then array_agg(distinct driver_id) filter (where driver_id is not null) end as few,
      ${Prisma.raw(names.map((name) => `coalesce(sum(${name}), 0)::text as ${name}`).join(', '))}
    from counted group by ${groupSets(question)} order by whole desc limit ${MAX_GROUPS + 2}`;
}

function toCell(row: RawSums, question: StatsQuestion, { squares, events }: SumsWanted): SumsCell {
  const integer = (name: string) => BigInt(row[name] ?? 0);
  return {
    key: toKey(row, question),
    trips: Number(integer('trips')),
    drivers: row.drivers,
    fewDrivers: row.few ?? [],
    sums: Object.fromEntries(quantities.map((q) => [q, integer(COLUMN[q])])) as Cell['sums'],
    squares: Object.fromEntries(squares.map((q) => [q, integer(`${COLUMN[q]}_sq`)])),
    events: Object.fromEntries(
      events ? flagKinds.map((kind) => [kind, Number(integer(FLAGS[kind]))]) : [],
    ),
  };
}
