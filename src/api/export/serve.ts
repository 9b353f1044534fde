import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { coerceInputValue, isInputType } from 'graphql';
import { readAllTrips, readSnapshot } from '../../store/read/trip-export.ts';
import type { ExportedTrip } from '../../store/read/trip-export.ts';
import { openReadTransaction } from '../../store/read/transaction.ts';
import { writeAccessLog } from '../../store/write/access-log.ts';
import { checkExport } from '../access/figures.ts';
import type { Services } from '../context.ts';
import { createError, toFailure } from '../errors.ts';
import type { Heavy } from '../gate.ts';
import type { TripFilter } from '../generated/schema.ts';
import { toReader } from '../identity.ts';
import { findUnusable } from '../plain-text.ts';
import { toCriteria } from '../resolvers/trips.ts';
import { untilClosed } from '../web.ts';
import type { ExportColumn } from './columns.ts';
import { columnsFor } from './columns.ts';
import { writeCsv } from './csv.ts';
import { writeParquet } from './parquet.ts';

/** Trips that are read at once. */
const BATCH = 250;

interface WriteOptions {
  /** Key and value, for the footer of Parquet. */
  readonly notes: Readonly<Record<string, string>>;
  /** Whether CSV guards texts that spreadsheets would take for formulas. */
  readonly guard: boolean;
}

type Write = (
  columns: readonly ExportColumn[],
  batches: AsyncIterable<readonly ExportedTrip[]>,
  { notes, guard }: WriteOptions,
) => AsyncIterable<string | Uint8Array>;

const FORMATS: Readonly<Record<string, { readonly mediaType: string; readonly write: Write }>> = {
  csv: { mediaType: 'text/csv; charset=utf-8; header=present', write: writeCsv },
  parquet: {
    mediaType: 'application/vnd.apache.parquet',
    write: (columns, batches, { notes }) => writeParquet(columns, batches, notes),
  },
};

/** Serves whole files of trips: the filter of `trips` as query parameters, all of one state of the store. */
export function serveExports({
  app,
  services,
  exporting,
}: {
  app: FastifyInstance;
  services: Services;
  exporting: Heavy;
}): void {
  const { schema, store, steps } = services;
  const serve = async (format: string, request: FastifyRequest, reply: FastifyReply) => {
    const { mediaType, write } = FORMATS[format]!;
    const identity = await steps.authenticate(request.headers.authorization);
    await steps.takePoint(identity);
    const { guard, filter } = readQuery(schema, request.query);
    const criteria = toCriteria(filter);
    const asked = JSON.stringify(request.query);
    checkExport(identity, criteria);
    const options = { ...exporting, snapshot: true, signal: untilClosed(reply) };
    const reading = openReadTransaction(store, toReader(identity), () => options);
    try {
      const snapshot = await reading.run(readSnapshot);
      const { tenant, role, subject } = identity;
      await writeAccessLog(store, {
        tenant,
        role,
        subject,
        purpose: role === 'ACTUARY' ? 'microdata' : 'export',
        object: `export trips.${format} ${snapshot.id} ${asked}`,
        requestId: request.id,
      });
      const asOfMs = reading.dataAsOfMs();
      const dataAsOf = asOfMs === null ? null : new Date(asOfMs).toISOString();
      const columns = columnsFor(identity);
      const trips = readAllTrips((read) => reading.run(read), criteria, BATCH);
      // An error before the first batch becomes an error response; later it can only cut the file off.
      const first = await trips.next();
      const notes = {
        'odograph.snapshot': snapshot.id,
        'odograph.data_as_of': dataAsOf ?? '',
        'odograph.filter': asked,
        'odograph.columns': JSON.stringify(
          Object.fromEntries(columns.map(({ name, description }) => [name, description])),
        ),
      };
      const body = write(columns, endWith(first, trips, reading.end), { notes, guard });
      void reply
        .type(mediaType)
        .header('content-disposition', `attachment; filename="trips-${snapshot.id}.${format}"`)
        .header('x-odograph-snapshot', snapshot.id)
        .header('cache-control', 'no-store');
      if (dataAsOf !== null) void reply.header('x-odograph-data-as-of', dataAsOf);
      const stream = Readable.from(body, { objectMode: false });
      // A client that leaves before the first byte is asked for never starts the body.
      stream.once('close', () => void reading.end());
      return await reply.send(stream);
    } catch (error) {
      await reading.end();
      throw error;
    }
  };
  for (const format of Object.keys(FORMATS)) {
    app.route({
      method: 'GET',
      url: `/export/trips.${format}`,
      exposeHeadRoute: false,
      handler: (request, reply) => serve(format, request, reply),
      errorHandler: (error, request, reply) => {
        const { status, headers, body } = toFailure(error, request.id, services.log);
        void reply.code(status).headers(headers).send(body);
      },
    });
  }
}

/**
 * The parameters: `formulaGuard`, true if it is not given, and the argument `filter` of `trips`, by its own type.
 * @throws BAD_USER_INPUT
 */
function readQuery(
  schema: GraphQLSchema,
  query: unknown,
): { readonly guard: boolean; readonly filter: TripFilter } {
  const unusable = findUnusable(query);
  if (unusable) {
    const { path, what } = unusable;
    throw createError('BAD_USER_INPUT', `${path} holds ${what}, which is not accepted: remove it.`);
  }
  const type = schema.getType('TripFilter');
  if (!isInputType(type)) throw new Error('the schema has no TripFilter');
  const { formulaGuard = 'true', ...parameters } = query as Readonly<Record<string, unknown>>;
  if (formulaGuard !== 'true' && formulaGuard !== 'false') {
    throw createError('BAD_USER_INPUT', 'formulaGuard must be true or false.');
  }
  const filter = coerceInputValue(parameters, type, (path, _, error) => {
    throw createError('BAD_USER_INPUT', `${path.join('.') || 'The filter'}: ${error.message}`);
  }) as TripFilter;
  return { guard: formulaGuard === 'true', filter };
}

async function* endWith(
  first: IteratorResult<readonly ExportedTrip[], void>,
  rest: AsyncIterable<readonly ExportedTrip[]>,
  end: () => Promise<void>,
): AsyncGenerator<readonly ExportedTrip[], void> {
  try {
    if (!first.done) yield first.value;
    yield* rest;
  } finally {
    await end();
  }
}
