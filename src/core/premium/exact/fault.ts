/** A fault that a person can fix: where it is, what was seen, what would be right. */
export interface Fault {
  /** Stable code, for programs. */
  readonly code: string;
  /** JSON pointer into the document or the input, e.g. "/charges/0/rate". */
  readonly path: string;
  readonly message: string;
}

/** A value as people are shown it: short, and never a surprise. */
export function shown(value: unknown): string {
  if (typeof value === 'function' || typeof value === 'symbol') return typeof value;
  if (typeof value === 'bigint') return `${value}`;
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** A JSON pointer (RFC 6901) from its steps. */
export function pointer(steps: readonly PropertyKey[]): string {
  return steps.map((s) => `/${String(s).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
