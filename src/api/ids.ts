import { Buffer } from 'node:buffer';

/** Content of an opaque id: a type's name and the key of one of its objects. */
export interface GlobalId {
  readonly type: string;
  readonly key: readonly (string | number)[];
}

export function toGlobalId(type: string, ...key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([type, ...key])).toString('base64url');
}

/** Undefined if the text is not one of our ids; callers treat that as missing. */
export function parseGlobalId(id: string): GlobalId | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(id, 'base64url').toString());
    if (!Array.isArray(value)) return undefined;
    const [type, ...key] = value as unknown[];
    const parts = key.filter((part) => typeof part === 'string' || Number.isSafeInteger(part));
    return typeof type === 'string' && parts.length === key.length && parts.length > 0
      ? { type, key: parts as (string | number)[] }
      : undefined;
  } catch {
    return undefined;
  }
}
