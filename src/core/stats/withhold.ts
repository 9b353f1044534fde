/** A group with fewer drivers reveals too much about each of them. */
export const leastDrivers = 10;

/** The drivers of a group. */
export interface Headcount {
  /** Distinct drivers. */
  readonly drivers: number;
  /** Ids of the drivers, if there are fewer than `leastDrivers`. */
  readonly fewDrivers: readonly number[];
}

/**
 * Which groups must not be shown beside a total over all of them: those with fewer than
 * `leastDrivers` drivers, and then the next smallest, until at least two groups are withheld and
 * together have at least that many drivers. Subtracting all shown groups from the total then gives
 * a figure that covers enough drivers.
 *
 * @param groups in any fixed order, which breaks ties between equally small ones
 * @returns indexes of the withheld groups
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
