/**
 * What no text that a caller sends may hold: control characters other than tab and line breaks, halves of
 * surrogate pairs, and the characters that turn the reading direction of what follows. PostgreSQL cannot
 * store U+0000 and halves of pairs; the others make two different names look alike.
 */
const UNUSABLE = /(?![\t\n\r])\p{Cc}|\p{Cs}|[\u202a-\u202e\u2066-\u2069]/u;

/** Whether a text has none of those characters. */
export function isPlainText(text: string): boolean {
  return !UNUSABLE.test(text);
}

/** Whether a text can be a name or an id: plain, on one line, 1 to `longest` characters. */
export function isPlainName(text: string, longest: number): boolean {
  return text.length > 0 && text.length <= longest && isPlainText(text) && !/[\t\n\r]/.test(text);
}

/** Where a value holds what it cannot hold, and what: for a message. */
export interface Unusable {
  /** Names and indexes with dots; empty for the value itself. */
  readonly path: string;
  /** "the character U+202E", or "a number that is too large". */
  readonly what: string;
}

/** Looks through a value of any depth, names of members included. */
export function findUnusable(value: unknown, at = ''): Unusable | undefined {
  const waiting: [path: string, value: unknown][] = [[at, value]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [path, inner] = next;
    if (typeof inner === 'string') {
      const found = UNUSABLE.exec(inner)?.[0];
      if (found !== undefined) return { path, what: `the character ${codePointOf(found)}` };
    } else if (typeof inner === 'number' && !Number.isFinite(inner)) {
      return { path, what: 'a number that is too large' };
    } else if (typeof inner === 'object' && inner !== null) {
      for (const [name, member] of Object.entries(inner)) {
        const found = UNUSABLE.exec(name)?.[0];
        if (found !== undefined) return { path, what: `the character ${codePointOf(found)}` };
        waiting.push([path === '' ? name : `${path}.${name}`, member]);
      }
    }
  }
  return undefined;
}

function codePointOf(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}
