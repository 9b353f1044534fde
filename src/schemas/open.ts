import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { Problem } from '../problem.ts';
import type { Schemas } from './schemas.ts';
import { createSchemas } from './schemas.ts';

/**
 * The schemas of Avro and Protobuf messages that the settings name.
 * @throws Problem BAD_SETTINGS if a file is not a schema
 */
export function openSchemas(config: Config, log: Logger): Schemas {
  const avroFile = config.avroSchemaFile ?? fileOfRepository('telematics.avsc');
  const protobufFile = config.protobufSchemaFile ?? fileOfRepository('telematics.proto');
  try {
    return createSchemas({
      registryUrl: config.schemaRegistryUrl,
      files: [
        {
          contentTypes: ['application/avro', 'avro/binary'],
          encoding: 'AVRO',
          text: readFileSync(avroFile, 'utf8'),
        },
        {
          contentTypes: ['application/x-protobuf', 'application/protobuf'],
          encoding: 'PROTOBUF',
          text: readFileSync(protobufFile, 'utf8'),
        },
      ],
      log,
    });
  } catch (error) {
    throw new Problem(
      'BAD_SETTINGS',
      `AVRO_SCHEMA_FILE (${avroFile}) or PROTOBUF_SCHEMA_FILE (${protobufFile}) cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'Give the paths of an Avro schema in JSON and of a .proto file.',
      error,
    );
  }
}

function fileOfRepository(name: string): string {
  return fileURLToPath(new URL(`../../schemas/${name}`, import.meta.url));
}
