import { Buffer } from 'node:buffer';
import type { IHeaders } from 'kafkajs';

/** Name and value of a record's header, as bytes; a record has them in order, and names may repeat. */
export type RawHeader = readonly [name: Buffer, value: Buffer | null];

/** Headers as a producer may give them: text by name, or bytes in order. */
export type GivenHeaders = Readonly<Record<string, string>> | readonly RawHeader[];

export function toRawHeaders(headers: GivenHeaders = []): readonly RawHeader[] {
  if (isRaw(headers)) return headers;
  return Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)]);
}

function isRaw(headers: GivenHeaders): headers is readonly RawHeader[] {
  return Array.isArray(headers);
}

/** The text of the last header of a name, whatever its case. */
export function headerText(headers: readonly RawHeader[], name: string): string | undefined {
  for (let i = headers.length - 1; i >= 0; i -= 1) {
    const [bytes, value] = headers[i]!;
    if (bytes.length === name.length && bytes.toString('latin1').toLowerCase() === name) {
      return value?.toString('utf8');
    }
  }
  return undefined;
}

/**
 * Headers for kafkajs' producer, written in this order, with repeated names and null values. kafkajs
 * takes headers by name, and turns a list of values into header entries with the list's `map`.
 */
export function toKafkaHeaders(headers: readonly RawHeader[]): IHeaders {
  return headers.length === 0 ? {} : { '': new OrderedHeaders(headers) };
}

class OrderedHeaders extends Array<Buffer> {
  readonly #headers: readonly RawHeader[];
  constructor(headers: readonly RawHeader[]) {
    super();
    this.#headers = headers;
  }
  override map<T>(): T[] {
    return this.#headers.map(([name, value]) => toEntry(name.toString('utf8'), value) as T);
  }
}

/** kafkajs measures a value before it asks whether it is null; a null value is empty when first read. */
function toEntry(key: string, value: Buffer | null) {
  if (value !== null) return { key, value };
  let isMeasured = false;
  return {
    key,
    get value() {
      if (isMeasured) return null;
      isMeasured = true;
      return Buffer.alloc(0);
    },
  };
}
