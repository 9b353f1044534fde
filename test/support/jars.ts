import { fileURLToPath } from 'node:url';

/** Kept between runs: 45 MB downloaded by Maven. */
export const jars = fileURLToPath(
  new URL('../../node_modules/.cache/odograph/kafka', import.meta.url),
);
