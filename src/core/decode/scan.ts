/** What is known about a JSON text without parsing it; always a single pass. */
export interface JsonScan {
  /** Deepest nesting of objects and arrays. */
  readonly depth: number;
  /** Values at the top level, counted by their opening brackets. */
  readonly values: number;
  /** Whether it ends inside a string, an object or an array. */
  readonly isCut: boolean;
  /** The text with NaN and infinities, which JSON does not have, in quotes; undefined if none. */
  readonly quoted: string | undefined;
}

const NON_NUMBER = /[+-]?(?:nan|inf(?:inity)?)(?![\w.])/iy;
const LONGEST_NON_NUMBER = 9;

export function scanJson(text: string): JsonScan {
  let depth = 0;
  let deepest = 0;
  let values = 0;
  let inString = false;
  let quoted: string[] | undefined;
  let copied = 0;
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i]!;
    if (inString) {
      if (character === '\\') i += 1;
      else if (character === '"') inString = false;
      continue;
    }
    if (character === '"') inString = true;
    else if (character === '{' || character === '[') {
      if (depth === 0) values += 1;
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (character === '}' || character === ']') depth -= 1;
    else if (depth > 0 && 'nNiI+-'.includes(character)) {
      const token = nonNumberAt(text, i);
      if (token === undefined) continue;
      (quoted ??= []).push(text.slice(copied, i), `"${token}"`);
      copied = i + token.length;
      i = copied - 1;
    }
  }
  quoted?.push(text.slice(copied));
  return { depth: deepest, values, isCut: inString || depth > 0, quoted: quoted?.join('') };
}

function nonNumberAt(text: string, at: number): string | undefined {
  NON_NUMBER.lastIndex = 0;
  return NON_NUMBER.exec(text.slice(at, at + LONGEST_NON_NUMBER + 1))?.[0];
}
