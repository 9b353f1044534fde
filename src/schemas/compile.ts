import { Buffer } from 'node:buffer';
import avro from 'avsc';
import protobuf from 'protobufjs';
import type { BinaryDecoder } from '../core/decode/binary.ts';

/** Encodings of a schema registry, by its names. */
export const ENCODINGS = ['AVRO', 'PROTOBUF', 'JSON'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/**
 * A decoder of messages of a schema.
 * @param isFramed whether Protobuf messages begin with the registry's list of message indexes
 * @throws if the text is not a schema
 */
export function compileSchema(encoding: Encoding, text: string, isFramed: boolean): BinaryDecoder {
  if (encoding === 'AVRO') return compileAvro(text);
  if (encoding === 'PROTOBUF') return compileProtobuf(text, isFramed);
  return {
    encoding: 'JSON',
    decode: (bytes) =>
      JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown,
  };
}

/** Microseconds since the epoch, read as milliseconds. */
class MicrosecondsType extends avro.types.LogicalType {
  protected override _fromValue(value: number): number {
    return Math.floor(value / 1000);
  }
  protected override _toValue(value: number): number {
    return value * 1000;
  }
  protected override _resolve(): undefined {
    return undefined;
  }
}

function compileAvro(text: string): BinaryDecoder {
  const type = avro.Type.forSchema(JSON.parse(text) as avro.Schema, {
    logicalTypes: { 'timestamp-micros': MicrosecondsType },
  });
  return {
    encoding: 'Avro',
    decode: (bytes) =>
      type.fromBuffer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as unknown,
  };
}

function compileProtobuf(text: string, isFramed: boolean): BinaryDecoder {
  const { root } = protobuf.parse(text);
  const first = messagesOf(root);
  if (first.length === 0) throw new Error('the schema has no message');
  return {
    encoding: 'Protobuf',
    decode: (bytes) => {
      const reader = protobuf.Reader.create(bytes);
      const type = isFramed ? selectMessage(reader, first) : first[0]!;
      const rest = bytes.subarray(reader.pos);
      return type.toObject(type.decode(rest), { longs: Number, enums: String });
    },
  };
}

/** Messages in the order of their definition; packages are namespaces around them. */
function messagesOf(namespace: protobuf.NamespaceBase): protobuf.Type[] {
  return namespace.nestedArray.flatMap((nested) => {
    if (nested instanceof protobuf.Type) return [nested];
    return nested instanceof protobuf.Namespace ? messagesOf(nested) : [];
  });
}

/** Reads the indexes that lead to the message's type: none for the first, else one for each level. */
function selectMessage(reader: protobuf.Reader, first: readonly protobuf.Type[]): protobuf.Type {
  const levels = reader.sint32();
  if (levels < 0 || levels > 10) throw new Error(`a list of ${levels} message indexes`);
  if (levels === 0) return first[0]!;
  let candidates = first;
  let type: protobuf.Type | undefined;
  for (let level = 0; level < levels; level += 1) {
    const index = reader.sint32();
    type = candidates[index];
    if (!type) throw new Error(`no message with index ${index}`);
    candidates = type.nestedArray.filter((nested) => nested instanceof protobuf.Type);
  }
  return type!;
}
