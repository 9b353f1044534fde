import type { Quantity, Spread } from '../../../core/stats/figure.ts';
import { quantities } from '../../../core/stats/figure.ts';
import { Prisma } from '../../generated/client.ts';
import type { Transaction } from '../../transaction.ts';
import { COLUMN } from './columns.ts';
import type { GroupKeyColumns, SpreadWanted, StatsQuestion } from './question.ts';
import { toKey } from './question.ts';
import { queryTexts } from './texts.ts';
import { groupSets, isTotal, keyList, toTripsSql } from './source.ts';

export type Spreads = Readonly<Partial<Record<Quantity, Spread>>>;

type RawSpread = GroupKeyColumns &
  Readonly<Record<string, string | null>> & { readonly whole: boolean };

/** Extremes and percentiles of each group, by `spreadKey` of its key; of the totals by `undefined`. */
export async function readSpreads(
  tx: Transaction,
  question: StatsQuestion,
  wanted: SpreadWanted,
): Promise<ReadonlyMap<string | undefined, Spreads>> {
  const columns = columnsOf(wanted);
  const { ctes, from, keys } = toTripsSql(question, { source: 'ROWS', flags: false });
  const rows = await queryTexts<RawSpread>(
    tx,
    Prisma.sql`
    with ${ctes} told as materialized (
      select ${Prisma.join([...keys, ...asked(wanted).map((q) => Prisma.raw(`t.${COLUMN[q]}`))], ', ')} from ${from})
    select ${keyList(question, true)}${isTotal(question)} as whole, ${Prisma.raw(columns.map(({ sql, name }) => `(${sql})::text as ${name}`).join(', '))}
    from told group by ${groupSets(question)}`,
  );
  return new Map(
    rows.map((row) => [
      row.whole ? undefined : spreadKey(toKey(row, question)),
      toSpreads(row, wanted),
    ]),
  );
}

export function spreadKey(key: readonly (string | null)[]): string {
  return JSON.stringify(key);
}

function asked({ extremes, percentiles }: SpreadWanted): readonly Quantity[] {
  return quantities.filter((q) => extremes.includes(q) || percentiles.has(q));
}

/** The nearest rank is computed in whole numbers: percentile_disc takes a fraction, whose rounding may be off by one rank. */
function columnsOf(
  wanted: SpreadWanted,
): readonly { readonly sql: string; readonly name: string }[] {
  return asked(wanted).flatMap((q) => {
    const column = COLUMN[q];
    return [
      ...(wanted.extremes.includes(q)
        ? [
            { sql: `min(${column})`, name: `${column}_min` },
            { sql: `max(${column})`, name: `${column}_max` },
          ]
        : []),
      ...(wanted.percentiles.get(q) ?? []).map((percentile) => ({
        sql: `(array_agg(${column} order by ${column}))[(${percentile} * count(*) + 9999) / 10000]`,
        name: `${column}_p${percentile}`,
      })),
    ];
  });
}

function toSpreads(row: RawSpread, wanted: SpreadWanted): Spreads {
  const valueOf = (name: string) => {
    const text = row[name];
    return text === null || text === undefined ? undefined : Number(text);
  };
  return Object.fromEntries(
    asked(wanted).map((q) => {
      const [min, max] = [valueOf(`${COLUMN[q]}_min`), valueOf(`${COLUMN[q]}_max`)];
      const percentiles = (wanted.percentiles.get(q) ?? []).flatMap((percentile) => {
        const value = valueOf(`${COLUMN[q]}_p${percentile}`);
        return value === undefined ? [] : [[percentile, value] as const];
      });
      const spread: Spread = {
        ...(min === undefined ? {} : { min }),
        ...(max === undefined ? {} : { max }),
        percentiles: new Map(percentiles),
      };
      return [q, spread];
    }),
  );
}
