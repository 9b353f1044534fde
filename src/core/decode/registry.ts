import type { Format } from './format.ts';
import { decodeJson } from './json.ts';
import { decodeText } from './text.ts';

const OPENING_BRACE = 0x7b;
const SPACE = 0x20;

/** Every format, in the order in which their first bytes are tried. Add yours here. */
export const formats: readonly Format[] = [
  {
    name: 'json',
    contentTypes: ['application/json'],
    startsWith: (byte) => byte === OPENING_BRACE,
    decode: decodeJson,
  },
  {
    name: 'text',
    contentTypes: ['text/plain'],
    startsWith: (byte) => byte >= SPACE,
    decode: decodeText,
  },
];
