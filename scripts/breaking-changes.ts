// Compares schema.graphql with schema.released.graphql, the schema of the last release. A change that would break
// a client fails, unless a page in docs/adr has the line "Breaks: `Type.field`". With --release, as part of a
// release, the schema becomes the released one. The API must also be able to start with the schema.
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';
import { createSchema } from '../src/api/schema.ts';

const RELEASED = 'schema.released.graphql';
const NOW = 'schema.graphql';
const pages = 'docs/adr';

if (process.argv.includes('--release')) {
  copyFileSync(NOW, RELEASED);
} else {
  const read = (file: string) => buildSchema(readFileSync(file, 'utf8'));
  const decided = new Set(
    readdirSync(pages)
      .map((page) => readFileSync(`${pages}/${page}`, 'utf8'))
      .flatMap((text) => [...text.matchAll(/^Breaks: `([^`]+)`/gm)].map(([, path]) => path)),
  );
  // Throws where a field stands in no row of who may ask it.
  createSchema();
  const changes = await diff(read(RELEASED), read(NOW));
  const breaking = changes.filter(
    ({ criticality, path }) =>
      criticality.level === CriticalityLevel.Breaking && !decided.has(path),
  );
  for (const { path, message, criticality } of breaking) {
    console.error(`${path}: ${message}. ${criticality.reason ?? ''}`);
  }
  if (breaking.length > 0) {
    console.error(
      'Clients of the last release would break: keep what is there and mark it @deprecated, or add a page to docs/adr with a line "Breaks: `Type.field`".',
    );
    process.exitCode = 1;
  }
}
