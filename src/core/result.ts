/** What decoding a record gives: a usable event, or a reason for the dead letters. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T; readonly unknownFields: number }
  | { readonly ok: false; readonly reason: DeadLetterReason; readonly message: string };

/** Stable codes of dead letters. */
export type DeadLetterReason =
  | 'EMPTY'
  | 'TOO_LARGE'
  | 'NOT_UTF8'
  | 'UNKNOWN_FORMAT'
  | 'UNSUPPORTED_FORMAT'
  | 'MALFORMED'
  | 'MISSING_FIELD'
  | 'OUT_OF_RANGE'
  | 'BEFORE_2000'
  | 'FUTURE'
  | 'GPS_ROLLOVER'
  | 'TOO_OLD';
