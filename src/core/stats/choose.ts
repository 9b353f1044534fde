import type { Cell, Figure } from './figure.ts';
import { figureOf } from './figure.ts';
import type { Grouping } from './grouping.ts';
import { compareGroupKeys } from './grouping.ts';

/** A condition for a group to be shown. A null figure fails both limits. */
export interface Condition extends Figure {
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Order extends Figure {
  readonly descending: boolean;
}

/** Which groups to show, and in which order. */
export interface Choice {
  /** All must be met. */
  readonly having: readonly Condition[];
  /** Sort order by the first, ties by the others, then by the keys. Nulls come last. */
  readonly orderBy: readonly Order[];
}

export function choose<Group extends Cell>(
  groups: readonly Group[],
  groupings: readonly Grouping[],
  { having, orderBy }: Choice,
): readonly Group[] {
  return groups
    .filter((group) => having.every((condition) => holds(group, condition)))
    .map((group) => ({ group, by: orderBy.map((order) => figureOf(group, order)) }))
    .sort((a, b) => {
      for (const [at, { descending }] of orderBy.entries()) {
        const order = compareFigures(a.by[at] ?? null, b.by[at] ?? null, descending);
        if (order !== 0) return order;
      }
      return compareGroupKeys(groupings, a.group.key, b.group.key);
    })
    .map(({ group }) => group);
}

function holds(group: Cell, { atLeast, atMost, ...figure }: Condition): boolean {
  const value = figureOf(group, figure);
  return (
    value !== null &&
    (atLeast === undefined || value >= atLeast) &&
    (atMost === undefined || value <= atMost)
  );
}

function compareFigures(a: number | null, b: number | null, descending: boolean): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return descending ? b - a : a - b;
}
