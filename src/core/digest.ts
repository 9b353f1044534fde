import type { CanonicalEvent } from './event.ts';

/** An event without its digest. */
export type EventContent = Omit<CanonicalEvent, 'digest'>;

/**
 * The fields that identify an event, each with the tag under which it is hashed. A tag is never
 * reused, and an absent field adds nothing: the digest of an event stays the same when the format
 * gets a new field.
 */
const TAGGED_FIELDS: readonly (readonly [tag: number, field: keyof EventContent])[] = [
  [1, 'latE7'],
  [2, 'lonE7'],
  [3, 'speedCkmh'],
  [4, 'headingDdeg'],
  [5, 'odometerM'],
  [6, 'ignition'],
  [7, 'accelForwardMmps2'],
  [8, 'accelLeftMmps2'],
  [9, 'accelUpMmps2'],
  [10, 'speedLimitCkmh'],
  [11, 'phoneInUse'],
  [12, 'accuracyDm'],
];

/** One round of MurmurHash3's 32-bit mixing (Austin Appleby, public domain). */
function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  const h = hash ^ Math.imul(k, 0x1b873593);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * The digest that distinguishes events of one device at one instant: 53 bits, so that it is exact
 * in a JavaScript number and fits the index key beside the milliseconds. Two different events of
 * one instant have the same digest once in 9·10¹⁵ pairs.
 */
export function digestOf(content: EventContent): number {
  let low = 0x9747b28c;
  let high = 0x2f0b4d71;
  for (const [tag, field] of TAGGED_FIELDS) {
    const value = content[field];
    if (value === undefined) continue;
    const word = Number(value) | 0;
    low = mix(mix(low, tag), word);
    high = mix(mix(high, word), tag);
  }
  return (finish(high ^ low) >>> 11) * 0x1_0000_0000 + finish(low);
}
