import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';
import { OwnerClient } from '../session.ts';

/** The part of the global that is used; TypeScript's own types for it would add all of the browser's. */
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: object } }>;
};

type Adapter = Awaited<ReturnType<PrismaPg['connect']>>;

const folder = new URL('../../../prisma/', import.meta.url);
const read = (path: string) => fs.readFileSync(new URL(path, folder), 'utf8');

let loaded: Promise<void> | undefined;

/**
 * Prisma's schema engine, the WASM build in node_modules: unlike the binary that
 * `prisma migrate` would fetch, it needs no download.
 * @param url the owner's login.
 */
export async function useSchemaEngine<T>(
  url: string,
  use: (engine: bindings.SchemaEngine) => Promise<T>,
): Promise<T> {
  loaded ??= loadBindings();
  await loaded;
  const pool = new pg.Pool({ connectionString: url, Client: TolerantClient });
  try {
    const factory = new PrismaPg(pool);
    const connect = factory.connect.bind(factory);
    factory.connect = async () => mend(await connect());
    const engine = await bindings.SchemaEngine.new(
      { datamodels: [['schema.prisma', readDatamodel()]] },
      () => undefined,
      bindMigrationAwareSqlAdapterFactory(factory),
    );
    return await use(engine);
  } finally {
    await pool.end();
  }
}

/** prisma/schema.prisma as text. */
export function readDatamodel(): string {
  return read('schema.prisma');
}

/** prisma/migrations in the form that the engine takes. */
export function readMigrations(): bindings.MigrationList {
  const names = fs
    .readdirSync(new URL('migrations/', folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  return {
    baseDir: 'prisma/migrations',
    lockfile: { path: 'migration_lock.toml', content: read('migrations/migration_lock.toml') },
    shadowDbInitScript: '',
    migrationDirectories: names.map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok', value: read(`migrations/${name}/migration.sql`) },
      },
    })),
  };
}

async function loadBindings(): Promise<void> {
  const path = createRequire(import.meta.url)
    .resolve('@prisma/schema-engine-wasm/schema_engine_bg')
    .replace(/\.js$/, '.wasm');
  const { instance } = await WebAssembly.instantiate(fs.readFileSync(path), {
    './schema_engine_bg.js': { ...bindings, ...weakTimers() },
  });
  // Without this global the message of a panic in the engine would be lost.
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: {
      set_message(message: string) {
        throw new Error(`Prisma's schema engine: ${message}`);
      },
    },
  });
  bindings.__wbg_set_wasm(instance.exports);
  (instance.exports as { __wbindgen_start(): void }).__wbindgen_start();
}

/** The engine leaves the timer of its lock running for 10 s; a process that has migrated need not wait. */
function weakTimers(): object {
  const names = Object.keys(bindings).filter((name) => name.startsWith('__wbg_setTimeout_'));
  const start = (then: () => void, ms: number) => setTimeout(then, ms).unref();
  return Object.fromEntries(names.map((name) => [name, start]));
}

/** OIDs of the types "char", which the adapter refuses, and character, which it reads. */
const CHAR_OID = 18;
const BPCHAR_OID = 1042;

interface RowDescription {
  readonly fields: { dataTypeID: number }[];
}

/** A client that reports "char" columns, common in the system catalogues, as character. */
class TolerantClient extends OwnerClient {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    const { connection } = this as unknown as { connection: NodeJS.EventEmitter };
    connection.on('rowDescription', ({ fields }: RowDescription) => {
      for (const field of fields) {
        if (field.dataTypeID === CHAR_OID) field.dataTypeID = BPCHAR_OID;
      }
    });
  }
}

/**
 * Corrects two faults of the adapter: it returns constraint_type as text where the engine expects one
 * character, and it splits a script at each semicolon, even inside a function or a comment. Sent whole,
 * a migration is also one transaction.
 */
function mend(adapter: Adapter): Adapter {
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (query) => {
    const result = await queryRaw(query);
    const columnTypes = result.columnTypes.map((type, index) =>
      result.columnNames[index] === 'constraint_type' ? ColumnTypeEnum.Character : type,
    );
    return { ...result, columnTypes };
  };
  const { onError } = adapter as unknown as { onError(error: unknown): never };
  adapter.executeScript = async (script) => {
    try {
      await adapter.underlyingDriver().query(script);
    } catch (error) {
      onError.call(adapter, error);
    }
  };
  return adapter;
}
