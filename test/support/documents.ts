import { readFileSync } from 'node:fs';

/** The code blocks of a language in a page, unchanged. */
export function readBlocks(file: string, language: string): string[] {
  const page = readFileSync(file, 'utf8');
  const blocks = page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'));
  return [...blocks].map(([, block]) => block!);
}
