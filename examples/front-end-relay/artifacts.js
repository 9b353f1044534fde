// What a bundler's plugin for Relay does: each graphql`…` becomes the artifact that the compiler made of it.
const TAG = /graphql`\s*(?:query|mutation|subscription|fragment)\s+(\w+)[^`]*`/g;
const folder = new URL('./', import.meta.url).href;

/** Artifacts import each other as a bundler would find them, without the ending. @type {import('node:module').ResolveHook} */
export function resolve(specifier, context, nextResolve) {
  return nextResolve(specifier.endsWith('.graphql') ? `${specifier}.ts` : specifier, context);
}

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!url.startsWith(folder) || !url.endsWith('.ts')) return loaded;
  const names = new Set();
  const source = String(loaded.source).replace(TAG, (_, name) => {
    names.add(name);
    return name;
  });
  const imports = [...names].map((name) => `import ${name} from './generated/${name}.graphql.ts';`);
  return { ...loaded, source: `${imports.join(' ')}${source}` };
}
