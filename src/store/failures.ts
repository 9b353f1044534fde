/** What to do about a failed write. */
export type Failure =
  /** It passes by itself: wait and try again. */
  | 'PASSING'
  /** The transaction is too large or too slow: try with less. */
  | 'TOO_MUCH'
  /** PostgreSQL refuses these very rows. */
  | 'ROWS'
  /** Nothing that is stored can be the reason: missing tables, rights, a wrong password. */
  | 'SETUP'
  /** No code says what it is. */
  | 'UNKNOWN';

/** SQLSTATE classes (PostgreSQL's documentation, appendix A); a longer prefix goes before a shorter. */
const SQL_STATES: Readonly<Record<string, Failure>> = {
  '08': 'PASSING', // connection
  '21': 'ROWS', // cardinality
  '22': 'ROWS', // data
  '23': 'ROWS', // constraint
  '25': 'PASSING', // a primary that has become a standby; a session that idled too long
  '40': 'PASSING', // serialization, deadlock
  '53': 'PASSING', // disk full, out of memory, too many connections
  '54': 'TOO_MUCH', // program limits
  '55': 'PASSING', // lock not available
  '57': 'PASSING', // shutdown, starting up
  '57014': 'TOO_MUCH', // a statement's time limit
  '58': 'PASSING', // the server's own files
  P0: 'ROWS', // raised by a trigger
};

const PRISMA: Readonly<Record<string, Failure>> = {
  P1001: 'PASSING', // cannot be reached
  P1002: 'PASSING', // does not answer in time
  P1008: 'PASSING', // time limit of an operation
  P1017: 'PASSING', // connection closed
  P2024: 'PASSING', // no connection free
  P2028: 'TOO_MUCH', // the transaction's time limit
  P2034: 'PASSING', // write conflict
  P2037: 'PASSING', // too many connections
};

/** Kinds of errors that Prisma's adapter gives without an SQLSTATE. */
const ADAPTER_KINDS: Readonly<Record<string, Failure>> = {
  DatabaseNotReachable: 'PASSING',
  ConnectionClosed: 'PASSING',
  SocketTimeout: 'PASSING',
  TooManyConnections: 'PASSING',
  TransactionWriteConflict: 'PASSING',
  AuthenticationFailed: 'SETUP',
  DatabaseDoesNotExist: 'SETUP',
  DatabaseAccessDenied: 'SETUP',
  TableDoesNotExist: 'SETUP',
  ColumnNotFound: 'SETUP',
  TlsConnectionError: 'SETUP',
};

const SOCKET_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH'],
  ...['ENETUNREACH', 'ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN', 'ERR_STREAM_DESTROYED'],
  ...['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_WRITE_AFTER_END'],
]);

/** Judges a failure by its codes, wherever Prisma put them. */
export function judgeFailure(error: unknown): Failure {
  const codes = [...codesOf(error)];
  for (const code of codes) {
    const found = SQL_STATES[code] ?? (isSqlState(code) ? SQL_STATES[code.slice(0, 2)] : undefined);
    if (found) return found;
    if (isSqlState(code)) return 'SETUP';
  }
  for (const code of codes) {
    if (SOCKET_CODES.has(code)) return 'PASSING';
    const found = ADAPTER_KINDS[code] ?? PRISMA[code];
    if (found) return found;
  }
  return 'UNKNOWN';
}

function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && !/^P[1-9]\d{3}$/.test(code) && !/^E[A-Z]{4}$/.test(code);
}

function* codesOf(error: unknown, depth = 0): Generator<string> {
  if (typeof error !== 'object' || error === null || depth > 4) return;
  const { code, originalCode, kind, cause, meta, driverAdapterError } = error as Record<
    string,
    unknown
  >;
  for (const inner of [cause, meta, driverAdapterError]) yield* codesOf(inner, depth + 1);
  for (const name of [originalCode, code, kind]) if (typeof name === 'string') yield name;
}
