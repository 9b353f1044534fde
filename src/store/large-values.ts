import type { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { SessionClient } from './session.ts';

/**
 * Large values of raw statements. Prisma's engine writes every parameter as JSON and bytes as base64
 * before the driver sees it, which costs more than the rest of a write. So the engine is given a short
 * reference, and the driver replaces it by the value.
 */
export interface LargeValues {
  /** Runs a statement with the reference to the value as its last parameter. */
  send<T>(value: string | Buffer, run: (reference: string) => Promise<T>): Promise<T>;
}

const COPY_IN = /^COPY\s.+\sFROM STDIN/;

/**
 * Large values, and the client class of the pool that has to resolve their references. The class also
 * runs `COPY … FROM STDIN` whose data is the statement's one value: Prisma has no COPY, and this way its
 * interactive transaction runs one on its own connection.
 */
export function createLargeValues() {
  const values = new Map<string, string | Buffer>();
  const largeValues: LargeValues = {
    async send(value, run) {
      const reference = `large value:${randomUUID()}`;
      values.set(reference, value);
      try {
        return await run(reference);
      } finally {
        values.delete(reference);
      }
    },
  };
  class LargeValueClient extends SessionClient {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      const query = super.query.bind(this) as (...args: unknown[]) => unknown;
      this.query = ((...args: unknown[]) => {
        const statement = args[0] as { text?: unknown; values?: unknown[] } | undefined;
        if (typeof statement?.text !== 'string' || !statement.values) return query(...args);
        const given = statement.values.map((value) =>
          typeof value === 'string' ? (values.get(value) ?? value) : value,
        );
        if (!COPY_IN.test(statement.text))
          return query({ ...statement, values: given }, ...args.slice(1));
        const stream = query(copyFrom(statement.text)) as ReturnType<typeof copyFrom>;
        return new Promise((resolve, reject) => {
          stream.on('finish', () => resolve({ rowCount: stream.rowCount, rows: [], fields: [] }));
          stream.on('error', reject);
          stream.end(given[0]);
        });
      }) as typeof this.query;
    }
  }
  return { largeValues, Client: LargeValueClient };
}
