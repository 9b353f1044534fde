import canonicalize from 'canonicalize';
import { sha256 } from './sha256.ts';

/**
 * Canonical JSON (RFC 8785): one text for one meaning, whatever the order of keys. Undefined where
 * the value has none: circular, too deep, or holding something JSON cannot express.
 */
export function canonicalJson(value: unknown): string | undefined {
  try {
    return canonicalize(value);
  } catch {
    return undefined;
  }
}

/** Canonical JSON of data that this engine made itself. */
export function canonicalBytes(value: object): string {
  const text = canonicalJson(value);
  if (text === undefined) throw new Error('this value cannot be written as canonical JSON');
  return text;
}

/** "sha256:" and the hash of the value's canonical JSON. */
export function hashOf(value: object): string {
  return `sha256:${sha256(canonicalBytes(value))}`;
}
