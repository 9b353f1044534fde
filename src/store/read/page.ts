import { Prisma } from '../generated/client.ts';

/** Part of an ordered list, by keys and never by offset. */
export interface PageRequest<Key> {
  readonly limit: number;
  /** Whether the limit counts from the end. */
  readonly backward: boolean;
  readonly after?: Key;
  readonly before?: Key;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly hasNext: boolean;
  readonly hasPrevious: boolean;
}

/** Parts of a statement that reads one page, plus one row to know whether there is a next page. */
export interface Keyset {
  readonly where: Prisma.Sql;
  readonly order: Prisma.Sql;
  /** For the list itself; PostgreSQL cannot see its value. */
  readonly limit: Prisma.Sql;
  /** For the rows found by `limit`; PostgreSQL sees how few they are. */
  readonly most: number;
}

/**
 * The limit is a subquery: if PostgreSQL sees that a page is most of what an owner has on average, it reads
 * and sorts all rows of this owner, which may be a hundred times as many. Without the value it assumes that
 * a tenth is wanted and reads in index order.
 *
 * @param columns what the list is ordered by; together unique
 * @param toValues a key's values in the order of the columns
 */
export function keysetOf<Key>(
  columns: readonly Prisma.Sql[],
  direction: 'ASC' | 'DESC',
  page: PageRequest<Key>,
  toValues: (key: Key) => readonly Prisma.Sql[],
): Keyset {
  const list = Prisma.join([...columns], ', ');
  const compare = (key: Key, beyond: boolean) => {
    const sign = (direction === 'ASC') === beyond ? '>' : '<';
    return Prisma.sql` and (${list}) ${Prisma.raw(sign)} (${Prisma.join([...toValues(key)], ', ')})`;
  };
  const order = Prisma.raw((direction === 'ASC') === page.backward ? ' desc' : ' asc');
  return {
    where: Prisma.sql`${page.after === undefined ? Prisma.empty : compare(page.after, true)}${
      page.before === undefined ? Prisma.empty : compare(page.before, false)
    }`,
    order: Prisma.join(
      columns.map((column) => Prisma.sql`${column}${order}`),
      ', ',
    ),
    limit: Prisma.sql`(select ${page.limit + 1}::int)`,
    most: page.limit + 1,
  };
}

/** Drops the extra row and reverses a page that was read from its end. */
export function toPage<Row, Key>(found: readonly Row[], page: PageRequest<Key>): Page<Row> {
  const more = found.length > page.limit;
  const rows = found.slice(0, page.limit);
  return page.backward
    ? { rows: rows.reverse(), hasNext: page.before !== undefined, hasPrevious: more }
    : {
        rows,
        hasNext: more || (page.before !== undefined && rows.length > 0),
        hasPrevious: page.after !== undefined,
      };
}
