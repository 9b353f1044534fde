import type { DocumentNode, GraphQLError, GraphQLSchema } from 'graphql';
import { parse, specifiedRules, validate } from 'graphql';
import { LRUCache } from 'lru-cache';
import { limitRules, MAX_TOKENS } from './limits.ts';

/** Texts that are parsed and validated once; thousands of subscribers send the same one. */
export interface Documents {
  /** @throws a syntax error */
  read(text: string): DocumentNode | readonly GraphQLError[];
}

const KEPT = 1_000;
/** Longer texts are not kept. */
const LONGEST_KEPT = 20_000;

export function createDocuments(schema: GraphQLSchema): Documents {
  const valid = new LRUCache<string, DocumentNode>({ max: KEPT });
  return {
    read: (text) => {
      const known = valid.get(text);
      if (known) return known;
      const document = parse(text, { maxTokens: MAX_TOKENS });
      const faults = validate(schema, document, [...specifiedRules, ...limitRules]);
      if (faults.length > 0) return faults;
      if (text.length <= LONGEST_KEPT) valid.set(text, document);
      return document;
    },
  };
}
