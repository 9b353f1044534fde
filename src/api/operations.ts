import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { createError } from './errors.ts';

/** The file that `@apollo/generate-persisted-query-manifest` writes. */
const manifestShape = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(z.object({ id: z.string().min(1), body: z.string().min(1) })),
});

/** The file that relay-compiler's `persistConfig` writes: texts by their MD5, SHA-1 or SHA-256. */
const relayShape = z.record(z.string().regex(/^[0-9a-f]{32,64}$/), z.string().min(1));

/** Characters of texts that clients registered, altogether. */
const MAX_REMEMBERED = 10_000_000;

export interface OperationSettings {
  /** Text of a manifest, Apollo's or Relay's, whose operations may be asked by id alone. */
  readonly manifest?: string | undefined;
  /** Whether nothing but the manifest's operations is answered. */
  readonly listedOnly?: boolean | undefined;
}

/** Texts of operations that clients ask by their id: the manifest's and those registered since. */
export interface Operations {
  find(id: string): string | undefined;
  /** Remembers a text whose id was checked, unless only the manifest's are answered. */
  register(id: string, text: string): void;
  /**
   * Whether a question may be answered at all.
   * @throws BAD_REQUEST where its id is none or not its text's, PERSISTED_QUERY_NOT_IN_LIST
   */
  check(question: Question): void;
  /**
   * The text that a question means: its own, or what its id stands for.
   * @throws what `check` does, and PERSISTED_QUERY_NOT_FOUND
   */
  resolve(question: Question): string;
}

interface Question {
  readonly query?: unknown;
  readonly extensions?: unknown;
}

/** @throws Error where the manifest is none */
export function createOperations({ manifest, listedOnly = false }: OperationSettings): Operations {
  const listed = manifest === undefined ? new Map<string, string>() : readManifest(manifest);
  const bodies = new Set(listed.values());
  const registered = new LRUCache<string, string>({
    maxSize: MAX_REMEMBERED,
    sizeCalculation: (text) => text.length,
  });
  const find = (id: string) => listed.get(id) ?? registered.get(id);
  const register = (id: string, text: string) => {
    if (!listedOnly) registered.set(id, text);
  };
  const check = (question: Question) => {
    const { query } = question;
    const id = readId(question);
    if (typeof query !== 'string' || query === '') return;
    if (id !== undefined && createHash('sha256').update(query).digest('hex') !== id) {
      throw createError('BAD_REQUEST', 'sha256Hash is not the SHA-256 of the query.');
    }
    if (listedOnly && !bodies.has(query)) {
      throw createError(
        'PERSISTED_QUERY_NOT_IN_LIST',
        'Only operations of the manifest are answered here: send one of its ids as extensions.persistedQuery.sha256Hash.',
      );
    }
  };
  return {
    find,
    register,
    check,
    resolve: (question) => {
      check(question);
      const { query } = question;
      const id = readId(question);
      if (typeof query === 'string' && query !== '') {
        if (id !== undefined) register(id, query);
        return query;
      }
      if (id === undefined) {
        throw createError('BAD_REQUEST', 'A query is needed, or the id of a persisted one.');
      }
      const text = find(id);
      if (text !== undefined) return text;
      throw createError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
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
    `the manifest of persisted operations is neither what @apollo/generate-persisted-query-manifest nor what relay-compiler writes: ${z.prettifyError(apollo.error)}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readId({ extensions }: Question): string | undefined {
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

function toObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
