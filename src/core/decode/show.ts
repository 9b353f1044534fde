const LONGEST = 60;
// Control characters, unpaired surrogates, and characters that reorder or hide text.
const UNPRINTABLE = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\p{Surrogate}]/gu;

/** A value of a message for people to read: printable, cut to 60 characters, not recursive. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quote(value, LONGEST);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? `an array of ${value.length}` : 'an object';
    default:
      return String(value);
  }
}

/** Text in quotes, cut to `longest` characters, with unprintable characters as `\u….`. */
export function quote(text: string, longest: number): string {
  const cut = text.length > longest;
  return `"${printable(cut ? text.slice(0, longest - 3) : text)}${cut ? '…' : ''}"`;
}

/** Text in which every character can be stored and displayed. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
