/** Result of decoding a record: a usable event, or the reason why it is a dead letter. */
export type Decoded<T> =
  | {
      readonly ok: true;
      readonly value: T;
      /** Fields that the format does not define. */
      readonly unknownFields: number;
      /** Optional fields that were rejected. */
      readonly leftOut: readonly LeftOut[];
    }
  | { readonly ok: false; readonly reason: DeadLetterReason; readonly message: string };

/** An optional field of a message that was rejected; the rest of the message is used. */
export interface LeftOut {
  readonly field: string;
  readonly reason: LeftOutReason;
  /** The value as printable text, cut to 60 characters. */
  readonly value: string;
}

/** Stable codes of fields that were left out. */
export const leftOutReasons = [
  /** A value that devices send for "not known", such as −1. */
  'UNKNOWN',
  'OUT_OF_RANGE',
  /** NaN or an infinity, bare or as text. */
  'NOT_A_NUMBER',
  'WRONG_TYPE',
  /** The other half of a position is missing or was left out. */
  'INCOMPLETE',
] as const;
export type LeftOutReason = (typeof leftOutReasons)[number];

/** Stable codes of dead letters. */
export type DeadLetterReason =
  | 'EMPTY'
  | 'TOO_LARGE'
  | 'TOO_DEEP'
  | 'NOT_UTF8'
  | 'UNKNOWN_FORMAT'
  | 'UNSUPPORTED_FORMAT'
  | 'UNKNOWN_SCHEMA'
  | 'MALFORMED'
  | 'MISSING_FIELD'
  | 'OUT_OF_RANGE'
  | 'BEFORE_2000'
  | 'FUTURE'
  | 'GPS_ROLLOVER'
  | 'TOO_OLD'
  | 'DECODER_FAILED';
