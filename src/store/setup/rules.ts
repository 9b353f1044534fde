import pg from 'pg';
import type { RulesRow } from '../../core/rules.ts';
import { Problem } from '../../problem.ts';
import { withOwner } from '../session.ts';

/** The rows of `rules`, in the order in which they take effect. */
export async function listRules(ownerUrl: string): Promise<readonly RulesRow[]> {
  return withOwner(ownerUrl, async (client) => {
    const { rows } = await client.query<{ at: Date; version: string }>(
      'select effective_from as at, version from rules order by effective_from',
    );
    return rows.map(({ at, version }) => ({ effectiveFromMs: at.getTime(), version }));
  });
}

/** What PostgreSQL refuses such a row by, and what to do instead. */
const REFUSALS: Readonly<Record<string, string>> = {
  '23001': 'Give a later instant: devices may send events up to a day ahead of now.',
  '23505': 'Give another instant: rows of the rules are never changed.',
};

/**
 * Adds a row to the rules, alone: commits wait, and a batch that was folded by the rows before is folded again.
 * @throws Problem RULES_REFUSED if an event at or after its instant is stored, or a row with that instant
 */
export async function addRules(ownerUrl: string, row: RulesRow): Promise<void> {
  await withOwner(ownerUrl, async (client) => {
    try {
      await client.query('insert into rules (effective_from, version) values ($1, $2)', [
        new Date(row.effectiveFromMs),
        row.version,
      ]);
    } catch (error) {
      const hint = error instanceof pg.DatabaseError ? REFUSALS[error.code ?? ''] : undefined;
      if (hint === undefined) throw error;
      throw new Problem('RULES_REFUSED', (error as Error).message, hint, error);
    }
  });
}
