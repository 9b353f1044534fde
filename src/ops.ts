import { createServer } from 'node:http';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { Problem } from './problem.ts';

/** What one batch of the sink did. */
interface Batch {
  readonly events: number;
  readonly duplicates: number;
  readonly late: number;
  readonly deadLetters: ReadonlyMap<string, number>;
  readonly deadLettersNotKept: number;
  readonly unknownFields: number;
  readonly leftOut: readonly {
    readonly field: string;
    readonly reason: string;
    readonly count: number;
  }[];
  readonly records: number;
  readonly repairedDevices: number;
  readonly durationMs: number;
}

/** How a sink is doing, asked at each scrape. */
interface SinkStatus {
  readonly waiting: readonly { readonly for: string; readonly message: string }[];
  readonly partitions: readonly {
    readonly partition: number;
    readonly lagRecords: number;
    readonly readThroughMs: number | undefined;
    readonly withheldRecords: number;
  }[];
  readonly queuedBytes: number;
  readonly rebalances: number;
}

export interface Metrics {
  countBatch(batch: Batch): void;
  /** Registers where a sink's status is read. */
  watchSink(status: () => SinkStatus | undefined): void;
  /** Rows that were removed because they had outlived their life, by table. */
  countPruned(rows: ReadonlyMap<string, number>): void;
  /** Bytes of each table with its indexes. */
  setTableBytes(bytes: ReadonlyMap<string, number>): void;
  /** Registers how a role's readiness is computed, on each scrape. */
  watchReady(role: string, isReady: () => boolean): void;
  /** In Prometheus' text format. */
  write(): Promise<string>;
}

export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const [registry] = registers;
  collectDefaultMetrics({ register: registry! });
  const count = (name: string, help: string) => new Counter({ name, help, registers });
  const events = count('odograph_events_total', 'Events stored.');
  const duplicates = count('odograph_duplicates_total', 'Events that were stored already.');
  const late = count(
    'odograph_late_events_total',
    'Events that arrived after newer ones of their device.',
  );
  const deadLetters = new Counter({
    name: 'odograph_dead_letters_total',
    help: 'Records that could not be used, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const notKept = count(
    'odograph_dead_letters_not_kept_total',
    'Dead letters beyond the budget, of which only counts and offsets are kept.',
  );
  const leftOut = new Counter({
    name: 'odograph_fields_left_out_total',
    help: 'Optional fields of messages that were not believed, by field and reason.',
    labelNames: ['field', 'reason'],
    registers,
  });
  const exceeded = new Gauge({
    name: 'odograph_dead_letters_over_budget',
    help: '1 while dead letters are beyond the budget and only counted.',
    registers,
  });
  const unknown = count('odograph_unknown_fields_total', 'Unknown fields in messages.');
  const batches = new Histogram({
    name: 'odograph_batch_seconds',
    help: 'Duration of a batch, from its records to its commit.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const batchRecords = new Histogram({
    name: 'odograph_batch_records',
    help: 'Records of a batch.',
    buckets: [1, 10, 100, 1_000, 10_000, 50_000],
    registers,
  });
  const repaired = count(
    'odograph_repaired_devices_total',
    'Times that late events changed the past of a device.',
  );
  const pruned = new Counter({
    name: 'odograph_pruned_rows_total',
    help: 'Rows removed because they had outlived their life, by table.',
    labelNames: ['table'],
    registers,
  });
  const tableBytes = new Gauge({
    name: 'odograph_table_bytes',
    help: 'Size of a table with its indexes and partitions.',
    labelNames: ['table'],
    registers,
  });
  const roles = new Map<string, () => boolean>();
  new Gauge({
    name: 'odograph_ready',
    help: '1 if the role makes progress or has nothing to do.',
    labelNames: ['role'],
    registers,
    collect() {
      for (const [role, isReady] of roles) this.set({ role }, isReady() ? 1 : 0);
    },
  });
  return {
    countBatch(batch) {
      events.inc(batch.events);
      duplicates.inc(batch.duplicates);
      late.inc(batch.late);
      for (const [reason, found] of batch.deadLetters) deadLetters.inc({ reason }, found);
      notKept.inc(batch.deadLettersNotKept);
      if (batch.deadLetters.size > 0) exceeded.set(batch.deadLettersNotKept > 0 ? 1 : 0);
      for (const { field, reason, count: found } of batch.leftOut) {
        leftOut.inc({ field, reason }, found);
      }
      unknown.inc(batch.unknownFields);
      batchRecords.observe(batch.records);
      repaired.inc(batch.repairedDevices);
      batches.observe(batch.durationMs / 1000);
    },
    watchSink: (status) => gaugeSink(status, registers),
    countPruned(rows) {
      for (const [table, count] of rows) pruned.inc({ table }, count);
    },
    setTableBytes(bytes) {
      for (const [table, size] of bytes) tableBytes.set({ table }, size);
    },
    watchReady: (role, isReady) => void roles.set(role, isReady),
    write: () => registry!.metrics(),
  };
}

const WAITING_FOR = ['database', 'broker'];

function gaugeSink(status: () => SinkStatus | undefined, registers: Registry[]): void {
  const byPartition = (
    name: string,
    help: string,
    value: (partition: SinkStatus['partitions'][number]) => number | undefined,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: ['partition'],
      registers,
      collect() {
        this.reset();
        for (const each of status()?.partitions ?? []) {
          const now = value(each);
          if (now !== undefined) this.set({ partition: each.partition }, now);
        }
      },
    });
  byPartition(
    'odograph_lag_records',
    'Records of a partition that this sink can read and has not stored.',
    ({ lagRecords }) => lagRecords,
  );
  byPartition(
    'odograph_lag_seconds',
    'Age of the instant up to which everything in a partition is stored.',
    ({ readThroughMs }) => readThroughMs && Math.max(0, (Date.now() - readThroughMs) / 1000),
  );
  byPartition(
    'odograph_read_through_timestamp_seconds',
    'The instant up to which everything in a partition is stored.',
    ({ readThroughMs }) => readThroughMs && readThroughMs / 1000,
  );
  byPartition(
    'odograph_withheld_records',
    "Records of a partition after the start of a producer's open transaction.",
    ({ withheldRecords }) => withheldRecords,
  );
  new Gauge({
    name: 'odograph_sink_waiting',
    help: '1 while the sink waits for a dependency that does not answer.',
    labelNames: ['for'],
    registers,
    collect() {
      const waiting = new Set(status()?.waiting.map((each) => each.for));
      for (const name of WAITING_FOR) this.set({ for: name }, waiting.has(name) ? 1 : 0);
    },
  });
  const single = (name: string, help: string, value: (sink: SinkStatus) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const now = status();
        if (now) this.set(value(now));
      },
    });
  single('odograph_queued_bytes', 'Bytes fetched and not yet in a batch.', (s) => s.queuedBytes);
  single('odograph_rebalances', 'Times this sink was assigned partitions.', (s) => s.rebalances);
}

/** How long a request may take to arrive. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Health and metrics endpoints of a process without an API: a sink that runs alone. */
export function startHealth({
  host,
  port,
  health,
  metrics,
}: {
  host: string;
  port: number;
  health: () => { readonly isReady: boolean; readonly waiting: SinkStatus['waiting'] };
  metrics: Metrics;
}): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    const send = (status: number, type: string, body: string) =>
      response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(body);
    const path = request.url?.split('?')[0];
    if (path === '/health/live') send(200, 'application/json', '{"status":"live"}');
    else if (path === '/health/ready') {
      const { isReady: sink, waiting } = health();
      const status = sink ? 'ready' : 'not ready';
      const why = waiting.length > 0 ? { waitingFor: waiting.map((each) => each.for) } : {};
      send(sink ? 200 : 503, 'application/json', JSON.stringify({ status, sink, ...why }));
    } else if (path === '/metrics') {
      metrics.write().then(
        (written) => send(200, 'text/plain; version=0.0.4', written),
        (error: unknown) => send(500, 'text/plain', String(error)),
      );
    } else
      send(404, 'text/plain', 'Not found. Available: /health/live, /health/ready, /metrics.\n');
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new Problem(
          error.code === 'EADDRINUSE' ? 'PORT_TAKEN' : 'HEALTH_FAILED',
          `The sink's health endpoint cannot listen on port ${port} of ${host} (${error.code}).`,
          'Set SINK_PORT to another port, or to 0 for any free one.',
          error,
        ),
      );
    });
    server.listen({ host, port }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address ? address.port : port;
      const name = host.includes(':') ? `[${host}]` : host;
      resolve({
        url: `http://${name}:${bound}`,
        stop: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}
