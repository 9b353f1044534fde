import type { FastifyRequest } from 'fastify';
import { toObject } from './untrusted.ts';

/** A GraphQL request as a client sends it; its fields are checked where they are used. */
export interface GraphQLRequest {
  readonly query?: unknown;
  readonly operationName?: string | null | undefined;
  readonly variables?: Record<string, unknown> | null | undefined;
  readonly extensions?: unknown;
}

/** The request of an HTTP body or of search parameters, as far as it can be read. */
export function readRequest({ method, query, body }: FastifyRequest): GraphQLRequest {
  if (method === 'POST') return toObject(body);
  const { extensions, ...rest } = toObject(query);
  try {
    return { ...rest, extensions: JSON.parse(String(extensions)) as unknown };
  } catch {
    return rest;
  }
}
