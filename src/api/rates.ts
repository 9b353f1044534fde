import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { createRateError } from './errors.ts';
import type { Role } from '../roles.ts';
import type { Identity } from './identity.ts';

/** Points per minute for each caller of a role; a role that is not listed is not limited. */
export type RateLimits = Readonly<Partial<Record<Role, number>>>;

export interface Rates {
  /** Deducts points from a caller. @throws RATE_LIMITED with `retryAfterS` if too few are left */
  spend(identity: Identity, points: number): Promise<void>;
}

const WINDOW_S = 60;
/** Objects per point, in addition to the one point per operation. */
const OBJECTS_A_POINT = 100;

/** Points of an operation, in addition to the one deducted before parsing. */
export function toPoints(cost: number): number {
  return Math.floor(cost / OBJECTS_A_POINT);
}

/** Counts in the process's memory, see docs/adr/0026-rates-are-counted-where-they-are-spent.md. */
export function createRates(limits: RateLimits): Rates {
  const limiters = new Map(
    Object.entries(limits).map(([role, points]) => [
      role,
      new RateLimiterMemory({ points, duration: WINDOW_S }),
    ]),
  );
  return {
    spend: async (identity, points) => {
      const limiter = limiters.get(identity.role);
      if (!limiter || points <= 0) return;
      try {
        await limiter.consume(keyOf(identity), points);
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        throw createRateError(
          `The ${limiter.points} points per minute of role ${identity.role} are used up. An operation takes one, and one more for each ${OBJECTS_A_POINT} objects of its cost.`,
          refusal.msBeforeNext,
        );
      }
    },
  };
}

/** One budget per token, or per driver or subject across tokens. */
function keyOf({ role, tenant, driver, subject }: Identity): string {
  return JSON.stringify([role, tenant, driver ?? subject]);
}
