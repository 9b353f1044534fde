import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { BinaryDecoder, BinaryDecoders } from '../core/decode/binary.ts';
import type { Logger } from '../log.ts';
import { Problem } from '../problem.ts';
import type { Encoding } from './compile.ts';
import { compileSchema, ENCODINGS } from './compile.ts';

export interface SchemaSettings {
  /** Address of a schema registry; user and password may be part of it. */
  readonly registryUrl?: string | undefined;
  /** Schemas of values without framing, by content type. */
  readonly files: readonly {
    readonly contentTypes: readonly string[];
    readonly encoding: Encoding;
    readonly text: string;
  }[];
  readonly log: Logger;
}

export interface Schemas extends BinaryDecoders {
  /**
   * Fetches the schemas that are not at hand. While the registry does not answer it waits and tries
   * again, so that no record becomes a dead letter for want of its schema.
   * @param progress called at each attempt
   */
  readonly load: (ids: Iterable<number>, progress?: () => void) => Promise<void>;
  /** Ends what waits; a `load` under way rejects. */
  close(): void;
}

/** Schemas that are kept; ids that the registry does not know count too. */
const CACHED = 4_000;
const REQUEST_MS = 5_000;
const MAX_SCHEMA_BYTES = 1024 * 1024;
/** An id that was unknown is asked for again after this. */
const UNKNOWN_FOR_MS = 30_000;
const LONGEST_PAUSE_MS = 10_000;

export function createSchemas({ registryUrl, files, log }: SchemaSettings): Schemas {
  const cache = new LRUCache<number, BinaryDecoder | { readonly why: string }>({ max: CACHED });
  const closing = new AbortController();
  const byContentType = new Map<string, BinaryDecoder>();
  for (const { contentTypes, encoding, text } of files) {
    const decoder = compileSchema(encoding, text, false);
    for (const contentType of contentTypes) byContentType.set(contentType, decoder);
  }

  async function fetchSchema(id: number, progress: () => void): Promise<void> {
    for (let pauseMs = 100; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      closing.signal.throwIfAborted();
      progress();
      try {
        const found = await ask(registryUrl!, id, closing.signal);
        if ('why' in found) cache.set(id, found, { ttl: UNKNOWN_FOR_MS });
        else cache.set(id, found);
        return;
      } catch (error) {
        closing.signal.throwIfAborted();
        log.warn({ err: error }, `the schema registry did not give schema ${id}; trying again`);
        await sleep(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
  }

  return {
    byId(id) {
      if (registryUrl === undefined) return 'no registry is set (SCHEMA_REGISTRY_URL)';
      const found = cache.get(id);
      if (!found) return 'it was not loaded';
      return 'why' in found ? found.why : found;
    },
    byContentType: (contentType) => byContentType.get(contentType),
    async load(ids, progress = () => undefined) {
      if (registryUrl === undefined) return;
      for (const id of ids) if (!cache.has(id)) await fetchSchema(id, progress);
    },
    close: () =>
      closing.abort(
        new Problem(
          'STOPPED',
          'The process stops, so the schema registry is not asked any more.',
          'The records are read again at the next start.',
        ),
      ),
  };
}

/**
 * Asks a registry for a schema, over the API of Confluent's.
 * @throws if the registry does not answer, or answers that it cannot now
 */
async function ask(
  registryUrl: string,
  id: number,
  signal: AbortSignal,
): Promise<BinaryDecoder | { readonly why: string }> {
  const url = new URL(
    `schemas/ids/${id}`,
    registryUrl.endsWith('/') ? registryUrl : `${registryUrl}/`,
  );
  const headers: Record<string, string> = {
    accept: 'application/vnd.schemaregistry.v1+json, application/json',
  };
  if (url.username !== '') {
    const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(login).toString('base64')}`;
    url.username = '';
    url.password = '';
  }
  const response = await fetch(url, {
    headers,
    signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
  });
  if (response.status === 404) return { why: 'the registry does not know it' };
  if (!response.ok) throw new Error(`the registry answered ${response.status}`);
  const text = await response.text();
  if (text.length > MAX_SCHEMA_BYTES) return { why: `it has more than ${MAX_SCHEMA_BYTES} bytes` };
  const {
    schema,
    schemaType = 'AVRO',
    references = [],
  } = JSON.parse(text) as {
    schema: string;
    schemaType?: string;
    references?: unknown[];
  };
  if (references.length > 0) return { why: 'it refers to other schemas, which is not supported' };
  const encoding = ENCODINGS.find((known) => known === schemaType);
  if (!encoding) return { why: `its type ${schemaType} is not one of ${ENCODINGS.join(', ')}` };
  try {
    return compileSchema(encoding, schema, true);
  } catch (error) {
    return { why: `it cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}
