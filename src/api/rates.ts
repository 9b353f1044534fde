import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { createRateError } from './errors.ts';
import type { Role } from './generated/schema.ts';
import type { Identity } from './identity.ts';

/** Points that one asker of a role may spend in a minute; a role that is not named is not limited. */
export type RateLimits = Readonly<Partial<Record<Role, number>>>;

export interface Rates {
  /** Takes points from an asker. @throws RATE_LIMITED with `retryAfterS` where too few are left */
  spend(identity: Identity, points: number): Promise<void>;
}

const WINDOW_S = 60;
/** Objects for a point, beyond the one that every operation costs. */
const OBJECTS_A_POINT = 100;

/** What an operation costs beside the point that was taken at the door. */
export function toPoints(cost: number): number {
  return Math.floor(cost / OBJECTS_A_POINT);
}

/** Counts in this process's memory: docs/adr/0026-rates-are-counted-where-they-are-spent.md. */
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
        await limiter.consume(toAsker(identity), points);
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        throw createRateError(
          `The role ${identity.role} has ${limiter.points} points a minute, and they are spent. An operation takes one, and one more for each ${OBJECTS_A_POINT} objects of its cost.`,
          refusal.msBeforeNext,
        );
      }
    },
  };
}

/** Whoever has the same token, or another one of the same driver or subject. */
function toAsker({ role, tenant, driver, subject }: Identity): string {
  return JSON.stringify([role, tenant, driver ?? subject]);
}
