import type { RulesRow } from '../core/rules.ts';
import type { Store } from './open.ts';

/** All rows of `rules`, in no order. */
export async function readRules({ prisma }: Store): Promise<readonly RulesRow[]> {
  const rows = await prisma.rules.findMany();
  return rows.map((row) => ({
    effectiveFromMs: row.effectiveFrom.getTime(),
    version: row.version,
  }));
}
