import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Makes opaque, signed text of small values, so that a cursor is what we gave or nothing. */
export interface Seal {
  seal(value: readonly (string | number | null)[]): string;
  /** Undefined where the text was not sealed with this key. */
  open(text: string): readonly (string | number | null)[] | undefined;
  /** What a text claims to hold, whoever sealed it: only fit to say why it is refused. */
  peek(text: string): readonly unknown[] | undefined;
}

const TAG_BYTES = 12;

export function createSeal(key: string): Seal {
  const tagOf = (body: Buffer) =>
    createHmac('sha256', key).update(body).digest().subarray(0, TAG_BYTES);
  return {
    seal: (value) => {
      const body = Buffer.from(JSON.stringify(value));
      return Buffer.concat([tagOf(body), body]).toString('base64url');
    },
    open: (text) => {
      const bytes = Buffer.from(text, 'base64url');
      if (bytes.length <= TAG_BYTES) return undefined;
      const body = bytes.subarray(TAG_BYTES);
      if (!timingSafeEqual(tagOf(body), bytes.subarray(0, TAG_BYTES))) return undefined;
      return JSON.parse(body.toString()) as (string | number | null)[];
    },
    peek: (text) => {
      try {
        const value: unknown = JSON.parse(
          Buffer.from(text, 'base64url').subarray(TAG_BYTES).toString(),
        );
        return Array.isArray(value) ? value : undefined;
      } catch {
        return undefined;
      }
    },
  };
}
