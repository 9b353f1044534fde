/** A failure that a person can do something about: what was wrong, and what would be right. */
export class Problem extends Error {
  override readonly name = 'Problem';
  /** Stable; for scripts and tests. */
  readonly code: string;
  /** What to do about it, as one or more sentences. */
  readonly hint: string;

  constructor(code: string, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint;
  }
}
