import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leastDrivers, withhold } from '../../../src/core/stats/withhold.ts';

const LONG = process.env['ODOGRAPH_LONG'] === '1';

/** Who drove in each group; somebody may be in several. */
const anyGroups = fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 25 }), {
  maxLength: 8,
});

function toHeadcounts(groups: readonly (readonly number[])[]) {
  return groups.map((drivers) => ({
    drivers: drivers.length,
    fewDrivers: drivers.length < leastDrivers ? drivers : [],
  }));
}

function union(groups: readonly (readonly number[])[], places: Iterable<number>): Set<number> {
  return new Set([...places].flatMap((place) => [...(groups[place] ?? [])]));
}

/** Of rows of numbers, how many do not follow from the others. */
function rankOf(rows: readonly (readonly number[])[]): number {
  const left = rows.map((row) => [...row]);
  let rank = 0;
  for (let column = 0; column < (rows[0]?.length ?? 0); column++) {
    const at = left.findIndex((row, place) => place >= rank && Math.abs(row[column] ?? 0) > 1e-9);
    if (at < 0) continue;
    const [pivot] = left.splice(at, 1);
    if (!pivot) continue;
    left.splice(rank, 0, pivot);
    for (const [place, row] of left.entries()) {
      if (place === rank) continue;
      const factor = (row[column] ?? 0) / (pivot[column] ?? 1);
      for (const [x, value] of pivot.entries()) row[x] = (row[x] ?? 0) - factor * value;
    }
    rank++;
  }
  return rank;
}

describe('groups that tell of too few drivers', () => {
  it('cannot be worked out by any linear combination of what is shown, the totals included, nor anything else that so few made', () => {
    fc.assert(
      fc.property(anyGroups, (groups) => {
        const withheld = withhold(toHeadcounts(groups));
        const everybody = union(groups, groups.keys());
        const unit = (place: number) => groups.map((_, other) => (other === place ? 1 : 0));
        const shown = [...groups.keys()].filter((place) => !withheld.has(place)).map(unit);
        if (everybody.size >= leastDrivers) shown.push(groups.map(() => 1));
        for (let set = 1; set < 1 << groups.length; set++) {
          const places = [...groups.keys()].filter((place) => (set >> place) & 1);
          const tells = union(groups, places).size;
          // A combination that only these groups are in: the two spaces meet.
          const own = places.map(unit);
          const meet = rankOf(shown) + own.length - rankOf([...shown, ...own]);
          if (meet > 0) expect(tells).toBeGreaterThanOrEqual(leastDrivers);
          if (places.length === 1 && withheld.has(places[0] ?? -1)) expect(meet).toBe(0);
        }
      }),
      { numRuns: LONG ? 20_000 : 300 },
    );
  });

  it('are withheld with the next smallest until they are two and hold enough drivers together, and no more', () => {
    const range = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => from + index);
    const of = (...groups: (readonly number[])[]) => [...withhold(toHeadcounts(groups))].sort();
    expect(of(range(0, 30), range(0, 10))).toEqual([]);
    expect(of(range(0, 30), range(30, 42), range(42, 45))).toEqual([1, 2]);
    expect(of(range(0, 30), range(30, 42), range(42, 45), range(50, 59))).toEqual([2, 3]);
    // The same drivers in both: together they are still too few.
    expect(of(range(0, 30), range(30, 42), range(42, 45), range(42, 46))).toEqual([1, 2, 3]);
    expect(of(range(0, 30), [])).toEqual([0, 1]);
    expect(of(range(0, 3))).toEqual([0]);
  });
});
