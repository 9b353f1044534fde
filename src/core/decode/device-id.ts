import { quote } from './show.ts';

const MAX_LENGTH = 128;
const REFUSED = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\p{Surrogate}]/u;

const NAMES: Readonly<Record<number, string>> = {
  0x061c: 'ARABIC LETTER MARK',
  0x200e: 'LEFT-TO-RIGHT MARK',
  0x200f: 'RIGHT-TO-LEFT MARK',
  0x2028: 'LINE SEPARATOR',
  0x2029: 'PARAGRAPH SEPARATOR',
  0x202a: 'LEFT-TO-RIGHT EMBEDDING',
  0x202b: 'RIGHT-TO-LEFT EMBEDDING',
  0x202c: 'POP DIRECTIONAL FORMATTING',
  0x202d: 'LEFT-TO-RIGHT OVERRIDE',
  0x202e: 'RIGHT-TO-LEFT OVERRIDE',
  0x2066: 'LEFT-TO-RIGHT ISOLATE',
  0x2067: 'RIGHT-TO-LEFT ISOLATE',
  0x2068: 'FIRST STRONG ISOLATE',
  0x2069: 'POP DIRECTIONAL ISOLATE',
  0xfeff: 'BYTE ORDER MARK',
};

/**
 * What is wrong with a device id, or undefined. An id must be storable and must display as it is:
 * no control characters, unpaired surrogates or characters that change the reading order.
 */
export function deviceIdProblem(deviceId: string): string | undefined {
  if (deviceId === '') return `deviceId is empty; it needs 1 to ${MAX_LENGTH} characters`;
  if (deviceId.length > MAX_LENGTH) {
    return `deviceId has ${deviceId.length} characters; at most ${MAX_LENGTH} are allowed`;
  }
  const found = REFUSED.exec(deviceId);
  if (!found) return undefined;
  const code = found[0].charCodeAt(0);
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')} ${describe(code)}`;
  return `deviceId is ${quote(deviceId, 60)}, with ${name} at character ${found.index + 1}; use printable characters only`;
}

function describe(code: number): string {
  if (code >= 0xd800 && code <= 0xdfff) return '(half of a surrogate pair)';
  return NAMES[code] ?? '(a control character)';
}
