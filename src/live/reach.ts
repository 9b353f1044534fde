import type { Owner } from '../store/read/live/owner.ts';
import type { Reader } from '../store/read/session.ts';

/**
 * Whether a reader may hear of a row that belongs to somebody: the rule of row-level security, for rows that are read
 * once for many subscribers. A row without an owner is the operator's alone.
 */
export function reaches(reader: Reader, owner: Owner | null): boolean {
  if (reader.operator) return true;
  if (owner === null || owner.tenant !== reader.tenant) return false;
  return reader.driver === null || reader.driver === owner.driver;
}
