/** A stream of pseudo-random numbers: the same parts give the same stream on every machine. */
export interface Random {
  /** Uniform in [0, 1), in steps of 2^-32. */
  readonly next: () => number;
  /** Uniform in [least, most). */
  readonly between: (least: number, most: number) => number;
  /** A whole number from 0 to count − 1. */
  readonly below: (count: number) => number;
  readonly chance: (probability: number) => boolean;
  /** Normal with mean 0 and standard deviation 1. */
  readonly normal: () => number;
  readonly pick: <T>(list: readonly T[]) => T;
  /** A copy in random order. */
  readonly shuffle: <T>(list: readonly T[]) => T[];
}

/** 32-bit hash of a list of words and numbers (FNV-1a over their text, a bar between them). */
export function hashParts(...parts: readonly (string | number)[]): number {
  const text = parts.join('|');
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++)
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

/** Mixes two numbers into 32 bits (the finaliser of MurmurHash3). */
export function mix(a: number, b: number): number {
  let x = (a ^ Math.imul(b, 0x9e3779b1)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/**
 * The stream named by `parts`. xoshiro128** by Blackman and Vigna (public domain, 2018), its state
 * filled from the hash of the parts.
 */
export function createRandom(...parts: readonly (string | number)[]): Random {
  const seed = hashParts(...parts);
  let a = mix(seed, 1);
  let b = mix(seed, 2);
  let c = mix(seed, 3);
  let d = mix(seed, 4) | 1;
  const next = () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result / 4294967296;
  };
  const below = (count: number) => Math.floor(next() * count);
  return {
    next,
    between: (least, most) => least + (most - least) * next(),
    below,
    chance: (probability) => next() < probability,
    // Box and Muller; 1 − next() is never 0.
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    pick: <T>(list: readonly T[]) => list[below(list.length)] as T,
    shuffle: <T>(list: readonly T[]) => {
      const copy = [...list];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
      }
      return copy;
    },
  };
}
