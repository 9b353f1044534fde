import { HeaderMap } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import type { GraphQLFormattedError } from 'graphql';
import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';

/** Our own codes, in addition to Apollo Server's. */
export type ErrorCode =
  | 'BAD_REQUEST'
  | 'PERSISTED_QUERY_NOT_FOUND'
  | 'PERSISTED_QUERY_NOT_IN_LIST'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'BAD_USER_INPUT'
  | 'COST_LIMIT_EXCEEDED'
  | 'RATE_LIMITED'
  | 'TIMEOUT'
  | 'UNAVAILABLE'
  | 'CURSOR_EXPIRED'
  | 'CONFLICT';

/** Codes that clients may see; an error with another code is unexpected and becomes INTERNAL_SERVER_ERROR. */
const CODES: ReadonlySet<unknown> = new Set<string>([
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'COST_LIMIT_EXCEEDED',
  'RATE_LIMITED',
  'TIMEOUT',
  'UNAVAILABLE',
  'CURSOR_EXPIRED',
  'CONFLICT',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_IN_LIST',
]);

const HTTP_STATUS: Partial<Record<ErrorCode, number>> = {
  BAD_REQUEST: 400,
  PERSISTED_QUERY_NOT_IN_LIST: 400,
  UNAUTHENTICATED: 401,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
};

/** Codes for which GraphQL answers 200 with an error in it. */
const STATUS_WITHOUT_GRAPHQL: Partial<Record<ErrorCode, number>> = {
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  BAD_USER_INPUT: 400,
  COST_LIMIT_EXCEEDED: 400,
  TIMEOUT: 504,
};

/** An error for people: its message says what was wrong and what would be right. */
export function createError(code: ErrorCode, message: string): GraphQLError {
  const status = HTTP_STATUS[code];
  return new GraphQLError(message, {
    extensions: { code, ...(status === undefined ? {} : { http: { status } }) },
  });
}

/** As `createError`, for an operation that is refused as a whole: over HTTP the status reports it too. */
export function createRefusal(code: ErrorCode, message: string): GraphQLError {
  const status = HTTP_STATUS[code] ?? STATUS_WITHOUT_GRAPHQL[code];
  return new GraphQLError(message, { extensions: { code, http: { status } } });
}

/** PERSISTED_QUERY_NOT_FOUND as clients of persisted queries expect it: status 200, not to be cached. */
export function createMissingQueryError(): GraphQLError {
  return new GraphQLError('PersistedQueryNotFound', {
    extensions: {
      code: 'PERSISTED_QUERY_NOT_FOUND' satisfies ErrorCode,
      http: {
        status: 200,
        headers: new HeaderMap([['cache-control', 'private, no-cache, must-revalidate']]),
      },
    },
  });
}

/** RATE_LIMITED, with `retryAfterS` beside the code, and the header `Retry-After` over HTTP. */
export function createRateError(message: string, retryAfterMs: number): GraphQLError {
  return createRetryError('RATE_LIMITED', message, retryAfterMs);
}

/** UNAVAILABLE, as `createRateError`: the request is good, and this server cannot answer it now. */
export function createUnavailableError(message: string, retryAfterMs: number): GraphQLError {
  return createRetryError('UNAVAILABLE', message, retryAfterMs);
}

function createRetryError(
  code: 'RATE_LIMITED' | 'UNAVAILABLE',
  message: string,
  retryAfterMs: number,
): GraphQLError {
  const retryAfterS = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return new GraphQLError(`${message} Retry in ${retryAfterS} s.`, {
    extensions: {
      code,
      retryAfterS,
      http: {
        status: HTTP_STATUS[code],
        headers: new HeaderMap([['retry-after', String(retryAfterS)]]),
      },
    },
  });
}

/** SQLSTATEs of a statement or transaction that took too long; Prisma's codes and that of the read pool for the same. */
const TIMEOUTS: ReadonlySet<unknown> = new Set([
  '57014',
  '25P03',
  '25P04',
  'P2024',
  'P2028',
  'READ_TIMEOUT',
]);

/**
 * An error as clients see it. Only errors that were made for people keep their message; every other
 * error is logged, and the client gets the request id only.
 */
export function formatError(
  formatted: GraphQLFormattedError,
  error: unknown,
  log: Logger,
): GraphQLFormattedError {
  const extensions: Readonly<Record<string, unknown>> = formatted.extensions ?? {};
  const { code: given, limited, retryAfterS } = extensions;
  const requestId =
    extensions['requestId'] ?? (log.bindings() as { requestId?: unknown }).requestId;
  const code = limited === true ? 'COST_LIMIT_EXCEEDED' : given;
  const id = requestId === undefined ? {} : { requestId };
  const position = {
    ...(formatted.locations ? { locations: formatted.locations } : {}),
    ...(formatted.path ? { path: formatted.path } : {}),
  };
  const cause = unwrapResolverError(error);
  if (CODES.has(code) && (cause instanceof GraphQLError || !(error instanceof GraphQLError))) {
    return {
      message: formatted.message,
      ...position,
      extensions: { code, ...id, ...(retryAfterS === undefined ? {} : { retryAfterS }) },
    };
  }
  if (isTimeout(cause)) {
    log.warn({ err: cause, requestId }, 'a request took too long');
    return {
      message:
        'This took too long and was stopped. Ask for less: a shorter span or a smaller page.',
      ...position,
      extensions: { code: 'TIMEOUT', ...id },
    };
  }
  if (cause instanceof GraphQLError && cause.originalError === undefined && code === undefined) {
    return { message: formatted.message, ...position, extensions: { code: 'BAD_REQUEST', ...id } };
  }
  log.error({ err: cause, requestId }, 'a request failed');
  return {
    message: `Something went wrong in the server; its log has the details under request ${typeof requestId === 'string' ? requestId : 'without id'}.`,
    ...position,
    extensions: { code: 'INTERNAL_SERVER_ERROR', ...id },
  };
}

/** As `formatError`, for HTTP without GraphQL, where the status reports the error too. */
export function toFailure(
  error: unknown,
  requestId: string,
  log: Logger,
): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly errors: readonly GraphQLFormattedError[] };
} {
  const { message, extensions } =
    error instanceof GraphQLError ? error : { message: '', extensions: {} };
  const formatted = formatError({ message, extensions: { ...extensions, requestId } }, error, log);
  const { code, retryAfterS } = formatted.extensions ?? {};
  return {
    status: { ...HTTP_STATUS, ...STATUS_WITHOUT_GRAPHQL }[code as ErrorCode] ?? 500,
    headers: typeof retryAfterS === 'number' ? { 'retry-after': String(retryAfterS) } : {},
    body: { errors: [formatted] },
  };
}

function isTimeout(error: unknown): boolean {
  for (let cause = error; typeof cause === 'object' && cause !== null;) {
    const { code, originalCode } = cause as { code?: unknown; originalCode?: unknown };
    if (TIMEOUTS.has(code) || TIMEOUTS.has(originalCode)) return true;
    const { meta } = cause as { meta?: { code?: unknown; driverAdapterError?: unknown } };
    if (TIMEOUTS.has(meta?.code)) return true;
    cause = (cause as { cause?: unknown }).cause ?? meta?.driverAdapterError;
  }
  return false;
}
