/** A group with fewer drivers says too much about each of them. */
export const leastDrivers = 10;

/** Whom a group tells of. */
export interface Headcount {
  /** Distinct drivers. */
  readonly drivers: number;
  /** Who they are, where they are fewer than `leastDrivers`. */
  readonly fewDrivers: readonly number[];
}

/**
 * Which groups must not be shown beside a total over all of them: those with fewer than
 * `leastDrivers` drivers, and then the next smallest, until the withheld ones are two or more and
 * hold at least so many drivers together. What is left of the total when all that is shown is taken
 * from it then tells of as many drivers as a group must.
 *
 * @param groups in any fixed order, by which equally small ones are taken
 * @returns places of the groups that are withheld
 */
export function withhold(groups: readonly Headcount[]): ReadonlySet<number> {
  const smallestFirst = groups
    .map((group, place) => ({ group, place }))
    .sort((a, b) => a.group.drivers - b.group.drivers || a.place - b.place);
  const withheld = new Set<number>();
  const known = new Set<number>();
  let enough = false;
  for (const { group, place } of smallestFirst) {
    const small = group.drivers < leastDrivers;
    if (!small && (withheld.size === 0 || (withheld.size > 1 && enough))) break;
    withheld.add(place);
    for (const driver of group.fewDrivers) known.add(driver);
    enough ||= !small || known.size >= leastDrivers;
  }
  return withheld;
}
