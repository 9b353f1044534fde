import { readDate } from '../exact/calendar.ts';
import type { RatedPolicy } from '../rating/input.ts';
import type { Rerated } from './rerate.ts';

/** What a book may be grouped by. */
export type GroupBy =
  | { readonly kind: 'FACT'; readonly name: string }
  | { readonly kind: 'ATTRIBUTE'; readonly name: BookAttribute };

/** Attributes that every policy has: yearly distance, numbers of vehicles and drivers. */
export const BOOK_ATTRIBUTES = ['DISTANCE', 'VEHICLES', 'DRIVERS'] as const;
export type BookAttribute = (typeof BOOK_ATTRIBUTES)[number];

/** Lower bounds of the groups by distance, kilometres a year. */
const DISTANCE_KM = [1, 5_000, 10_000, 15_000, 20_000, 30_000] as const;

function isInForce(range: { readonly from: string; readonly to: string }, day: number): boolean {
  return (readDate(range.from) ?? 0) <= day && day < (readDate(range.to) ?? 0);
}

/** The values of a rating fact on a day, of the policy, its vehicles and its drivers; each once, in order. */
export function factValues(policy: RatedPolicy, name: string, day: number): string[] {
  const values = new Set<string>();
  for (const range of policy.facts)
    if (Object.hasOwn(range.values, name) && isInForce(range, day))
      values.add(String(range.values[name]));
  return [...values].sort();
}

/** The named drivers of a policy on a day. */
export function driversOf(policy: RatedPolicy, day: number): string[] {
  const drivers = new Set<string>();
  for (const range of policy.facts)
    if (range.driverId !== undefined && isInForce(range, day)) drivers.add(range.driverId);
  return [...drivers];
}

function distanceGroup({ distanceM, days }: Rerated): string {
  const kmPerYear = Math.floor((distanceM * 365) / days / 1000);
  const at = DISTANCE_KM.findLastIndex((least) => kmPerYear >= least);
  const least = DISTANCE_KM[at];
  const next = DISTANCE_KM[at + 1];
  if (least === undefined) return '0 km';
  return next === undefined ? `${least} km and more` : `${least} to ${next - 1} km`;
}

/** The group that a policy belongs to, by what holds on its first day compared; undefined where that is not known. */
export function groupOf(
  by: GroupBy,
  policy: RatedPolicy,
  firstDay: number,
  rerated: Rerated,
): string | undefined {
  if (by.kind === 'FACT') {
    const values = factValues(policy, by.name, firstDay);
    return values.length === 0 ? undefined : values.join(', ');
  }
  switch (by.name) {
    case 'DISTANCE':
      return distanceGroup(rerated);
    case 'VEHICLES':
      return String(policy.vehicles.filter((v) => isInForce(v, firstDay)).length);
    case 'DRIVERS':
      return String(driversOf(policy, firstDay).length);
  }
}

/** Groups that begin with a number in its order, the others by their letters. */
export function compareGroups(a: string, b: string): number {
  const [, numberA] = /^(-?\d+)/.exec(a) ?? [];
  const [, numberB] = /^(-?\d+)/.exec(b) ?? [];
  if (numberA !== undefined && numberB !== undefined && numberA !== numberB)
    return Number(numberA) - Number(numberB);
  return a < b ? -1 : a > b ? 1 : 0;
}
