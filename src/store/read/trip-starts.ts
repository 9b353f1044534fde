import { Prisma } from '../generated/client.ts';

const DAY_MS = 86_400_000;

/**
 * Bounds on the start of a trip `t` that can have driving on half-open local dates. A trip is cut at the UTC midnight
 * after its twelfth hour, and local dates are within a day of UTC's. The bounds are timestamptz like the column:
 * comparing it with a date is not leakproof, and so not an index condition behind row-level security.
 */
export function startsFor(from: string, to: string): Prisma.Sql {
  const since = new Date(Date.parse(`${from}T00:00:00Z`) - 3 * DAY_MS);
  const until = new Date(Date.parse(`${to}T00:00:00Z`) + DAY_MS);
  return Prisma.sql`t.started_at >= ${since} and t.started_at < ${until}`;
}
