import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { createError, createMissingQueryError } from './errors.ts';
import type { GraphQLRequest } from './graphql-request.ts';
import { toObject } from './untrusted.ts';

/** The file that `@apollo/generate-persisted-query-manifest` writes. */
const manifestShape = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(z.object({ id: z.string().min(1), body: z.string().min(1) })),
});

/** The file that relay-compiler's `persistConfig` writes: texts by their MD5, SHA-1 or SHA-256. */
const relayShape = z.record(z.string().regex(/^[0-9a-f]{32,64}$/), z.string().min(1));

/** Total length of texts registered by clients, characters. */
const MAX_REMEMBERED = 10_000_000;

export interface OperationSettings {
  /** Text of a manifest, Apollo's or Relay's, whose operations may be asked by id alone. */
  readonly manifest?: string | undefined;
  /** Whether only the manifest's operations are answered. */
  readonly listedOnly?: boolean | undefined;
}

/** Texts of operations that clients send by id: those of the manifest and those registered since. */
export interface Operations {
  /**
   * The text of a request: its own, or the one registered for its id. A text with an id is registered.
   * @throws BAD_REQUEST for an id that is malformed or does not match its text,
   *   PERSISTED_QUERY_NOT_FOUND, PERSISTED_QUERY_NOT_IN_LIST
   */
  resolve(request: GraphQLRequest): string;
}

/** @throws Error if the manifest is invalid */
export function createOperations({ manifest, listedOnly = false }: OperationSettings): Operations {
  const listed = manifest === undefined ? new Map<string, string>() : readManifest(manifest);
  const bodies = new Set(listed.values());
  const registered = new LRUCache<string, string>({
    maxSize: MAX_REMEMBERED,
    sizeCalculation: (text) => text.length,
  });
  return {
    resolve: (request) => {
      const { query } = request;
      const id = readId(request);
      if (typeof query !== 'string' || query === '') {
        if (id === undefined) {
          throw createError('BAD_REQUEST', 'Send a query or the id of a persisted query.');
        }
        const text = listed.get(id) ?? registered.get(id);
        if (text === undefined) throw createMissingQueryError();
        return text;
      }
      if (id !== undefined && createHash('sha256').update(query).digest('hex') !== id) {
        throw createError('BAD_REQUEST', 'sha256Hash is not the SHA-256 of the query.');
      }
      if (listedOnly && !bodies.has(query)) {
        throw createError(
          'PERSISTED_QUERY_NOT_IN_LIST',
          'This API answers only the operations of its manifest: send one of its ids as extensions.persistedQuery.sha256Hash.',
        );
      }
      if (id !== undefined && !listedOnly) registered.set(id, query);
      return query;
    },
  };
}

/** The operations' texts by their ids. */
function readManifest(text: string): ReadonlyMap<string, string> {
  const value = parseJson(text);
  const relay = relayShape.safeParse(value);
  if (relay.success) return new Map(Object.entries(relay.data));
  const apollo = manifestShape.safeParse(value);
  if (apollo.success) return new Map(apollo.data.operations.map(({ id, body }) => [id, body]));
  throw new Error(
    `the manifest of persisted operations is in neither the format of @apollo/generate-persisted-query-manifest nor that of relay-compiler: ${z.prettifyError(apollo.error)}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readId({ extensions }: GraphQLRequest): string | undefined {
  const { persistedQuery } = toObject(extensions);
  if (persistedQuery === undefined || persistedQuery === null) return undefined;
  const { version, sha256Hash } = toObject(persistedQuery);
  if (version !== 1 || typeof sha256Hash !== 'string') {
    throw createError(
      'BAD_REQUEST',
      'extensions.persistedQuery takes { "version": 1, "sha256Hash": "<SHA-256 of the query, in hex>" }.',
    );
  }
  return sha256Hash;
}
