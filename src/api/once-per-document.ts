import type { DocumentNode } from 'graphql';

/** A function of a document that runs once for each: clients repeat their documents. Forgets with the document. */
export function oncePerDocument<T>(
  look: (document: DocumentNode) => T,
): (document: DocumentNode) => T {
  const known = new WeakMap<DocumentNode, { readonly found: T }>();
  return (document) => {
    let entry = known.get(document);
    if (!entry) known.set(document, (entry = { found: look(document) }));
    return entry.found;
  };
}
