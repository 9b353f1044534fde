import { createHash } from 'node:crypto';
import type { Seal } from '../live/seal.ts';
import type { Page, PageRequest } from '../store/read/page.ts';
import { createError } from './errors.ts';
import type { InputMaybe } from './generated/schema.ts';
import { DEFAULT_PAGE, MAX_PAGE } from './limits.ts';

export interface PageArguments {
  readonly first?: InputMaybe<number>;
  readonly after?: InputMaybe<string>;
  readonly last?: InputMaybe<number>;
  readonly before?: InputMaybe<string>;
}

/** Converts a list's keys to cursors and back. `name` distinguishes lists and orders. */
export interface CursorKind<Key> {
  readonly name: string;
  readonly toParts: (key: Key) => readonly (string | number)[];
  readonly fromParts: (parts: readonly (string | number | null)[]) => Key;
}

/** A list ordered by one text column. */
export function textCursor(name: string): CursorKind<string> {
  return { name, toParts: (text) => [text], fromParts: ([text]) => String(text) };
}

/**
 * Makes cursors of one list under different filters distinct.
 * @param filter callers build it with its fields always in the same order
 */
export function underFilter<Key>(kind: CursorKind<Key>, filter: object): CursorKind<Key> {
  const digest = createHash('sha256').update(JSON.stringify(filter)).digest('base64url');
  return { ...kind, name: `${kind.name} ${digest.slice(0, 8)}` };
}

/** @throws BAD_USER_INPUT for sizes out of range, both sizes at once, and cursors of other lists */
export function toPageRequest<Key>(
  seal: Seal,
  kind: CursorKind<Key>,
  { first, after, last, before }: PageArguments,
): PageRequest<Key> {
  if (first != null && last != null) {
    throw createError('BAD_USER_INPUT', 'Give first or last, not both.');
  }
  for (const [name, value] of Object.entries({ first, last })) {
    if (value != null && (value < 0 || value > MAX_PAGE)) {
      throw createError('BAD_USER_INPUT', `${name} is ${value}; it must be from 0 to ${MAX_PAGE}.`);
    }
  }
  const open = (argument: string, cursor: string): Key => {
    const parts = seal.open(cursor);
    if (parts?.[0] !== kind.name) {
      throw createError(
        'BAD_USER_INPUT',
        `${argument} is not a cursor of this list in this order and with this filter: pass an endCursor or startCursor of it back unchanged.`,
      );
    }
    return kind.fromParts(parts.slice(1));
  };
  return {
    limit: first ?? last ?? DEFAULT_PAGE,
    backward: last != null,
    ...(after == null ? {} : { after: open('after', after) }),
    ...(before == null ? {} : { before: open('before', before) }),
  };
}

export function toConnection<Row, Key>(
  seal: Seal,
  kind: CursorKind<Key>,
  keyOf: (row: Row) => Key,
  page: Page<Row>,
): Connection<Row> {
  return new Connection((row) => seal.seal([kind.name, ...kind.toParts(keyOf(row))]), page);
}

/** Seals a cursor only if it is selected: each costs a MAC. */
class Connection<Row> {
  readonly #cursorOf: (row: Row) => string;
  readonly #page: Page<Row>;

  constructor(cursorOf: (row: Row) => string, page: Page<Row>) {
    this.#cursorOf = cursorOf;
    this.#page = page;
  }

  get nodes(): Row[] {
    return [...this.#page.rows];
  }

  get edges(): { readonly cursor: string; readonly node: Row }[] {
    const cursorOf = this.#cursorOf;
    return this.#page.rows.map((node) => ({
      node,
      get cursor() {
        return cursorOf(node);
      },
    }));
  }

  get pageInfo() {
    const { rows, hasNext, hasPrevious } = this.#page;
    const cursorOf = (row: Row | undefined) => (row === undefined ? null : this.#cursorOf(row));
    return {
      hasNextPage: hasNext,
      hasPreviousPage: hasPrevious,
      get startCursor() {
        return cursorOf(rows[0]);
      },
      get endCursor() {
        return cursorOf(rows.at(-1));
      },
    };
  }
}
