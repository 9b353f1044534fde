/**
 * Subscribers on one process, from produce to frame, beside a bare consumer of the same topic in the same run.
 *   npm run bench:live -- [--only 2] [--seconds 10] [--folder DIR] [--seed 1]
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import kafkajs from 'kafkajs';
import pino from 'pino';
import WebSocket from 'ws';
import { createKafka } from '../src/kafka.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seconds: { type: 'string', default: '10' },
    folder: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});

interface Round {
  readonly subscribers: number;
  readonly devices: number;
  readonly perSecond: number;
  /** Subscribers that read nothing. */
  readonly stuck?: number;
  /** Sockets that are cut at random, each of which resumes. */
  readonly cuts?: number;
}

const ROUNDS: readonly Round[] = [
  { subscribers: 1, devices: 1, perSecond: 200 },
  { subscribers: 200, devices: 200, perSecond: 200 },
  { subscribers: 2_000, devices: 2_000, perSecond: 200 },
  { subscribers: 2_000, devices: 2_000, perSecond: 2_000 },
  { subscribers: 2_000, devices: 2_000, perSecond: 500 },
  { subscribers: 2_000, devices: 2_000, perSecond: 500, stuck: 100 },
  { subscribers: 200, devices: 200, perSecond: 500, cuts: 1_000 },
  { subscribers: 10_000, devices: 2_000, perSecond: 2_000 },
];

const TOPIC = 'telematics';
const SECONDS = Number(values.seconds);
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'odograph-live-'));

/** A generator of numbers from 0 to 1 (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface RunFile {
  readonly wsUrl: string;
  readonly kafkaBrokers: readonly string[];
  readonly pid: number;
  readonly tokens: { readonly OPERATOR: string };
}

async function startProduct() {
  const file = join(folder, 'run.json');
  rmSync(file, { force: true });
  const env = {
    ...process.env,
    ...{ ODOGRAPH_DATA_DIR: folder, PORT: '0', KAFKA_LOCAL_PORT: '0' },
    ...{ LOG_LEVEL: 'warn', RATE_LIMITS: 'none' },
  };
  const child = spawn(process.execPath, ['dist/cli/odograph.js', 'up', '--no-fleet'], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  while (!existsSync(file)) {
    if (child.exitCode !== null) throw new Error('the product did not start');
    await sleep(200);
  }
  await sleep(500);
  const run = JSON.parse(readFileSync(file, 'utf8')) as RunFile;
  return {
    run,
    stop: async () => {
      child.kill('SIGINT');
      await ended;
    },
  };
}

function rssMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1024);
}

const { run, stop } = await startProduct();
const kafka = createKafka({ brokers: run.kafkaBrokers, ssl: false }, pino({ level: 'fatal' }));
let bare: number[] = [];
/** When each event was sent, by device and its time. */
const sentAtMs = new Map<string, number>();

await kafka.ensureTopic(TOPIC, 4);
const bareKafka = new kafkajs.Kafka({
  brokers: [...run.kafkaBrokers],
  logLevel: kafkajs.logLevel.NOTHING,
});
const bareConsumer = bareKafka.consumer({
  groupId: `bench-live-${process.pid}`,
  maxWaitTimeInMs: 20,
});
await bareConsumer.connect();
await bareConsumer.subscribe({ topic: TOPIC });
await bareConsumer.run({
  eachMessage: async ({ message: { value } }) => {
    const now = performance.now();
    const { deviceId, at } = JSON.parse(String(value)) as { deviceId: string; at: string };
    const sent = sentAtMs.get(`${deviceId} ${Date.parse(at)}`);
    if (sent !== undefined) bare.push(now - sent);
    return Promise.resolve();
  },
});

interface Client {
  readonly device: string;
  readonly heard: string[];
  readonly isStuck: boolean;
  cursor: string | undefined;
  socket: WebSocket;
}

async function playRound(round: Round, n: number): Promise<void> {
  const { subscribers, devices, perSecond, stuck = 0, cuts = 0 } = round;
  const random = createRandom(Number(values.seed) + n);
  const idOf = (device: number) => `B${process.pid}-${n}-${device}`;
  const send = (events: readonly { readonly device: number; readonly atMs: number }[]) =>
    kafka.produce(
      TOPIC,
      events.map(({ device, atMs }) => ({
        key: idOf(device),
        value: JSON.stringify({
          ...{ deviceId: idOf(device), at: new Date(atMs).toISOString() },
          ...{ lat: 40 + device * 1e-3 + (atMs % 1e6) * 1e-8, lon: -74, speedKmh: 50 },
        }),
        headers: { 'content-type': 'application/json' },
      })),
    );
  const all = Array.from({ length: devices }, (_, device) => device);
  await send(all.map((device) => ({ device, atMs: Date.now() - 60_000 })));
  await sleep(3_000);
  bare = [];
  const ours: number[] = [];
  let errors = 0;
  let frames = 0;
  let closing = false;
  const before = rssMb(run.pid);

  const open = (client: Client) =>
    new Promise<void>((resolve) => {
      const socket = new WebSocket(run.wsUrl, 'graphql-transport-ws');
      client.socket = socket;
      socket.on('open', () =>
        socket.send(
          JSON.stringify({
            type: 'connection_init',
            payload: { Authorization: `Bearer ${run.tokens.OPERATOR}` },
          }),
        ),
      );
      socket.on('message', (data: Buffer) => {
        const now = performance.now();
        const message = JSON.parse(String(data)) as {
          readonly type: string;
          readonly payload?: {
            readonly data?: {
              readonly telemetry: { readonly cursor: string; readonly at: string };
            };
          };
        };
        if (message.type === 'connection_ack') {
          const query = `subscription ($after: Cursor) { telemetry(deviceId: "${client.device}", after: $after) { cursor at speedKmh } }`;
          const payload = { query, variables: { after: client.cursor } };
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }));
          if (client.isStuck) socket.pause();
          resolve();
        } else if (message.payload?.data) {
          const { cursor, at } = message.payload.data.telemetry;
          frames += 1;
          client.cursor = cursor;
          client.heard.push(at);
          const sent = sentAtMs.get(`${client.device} ${Date.parse(at)}`);
          if (sent !== undefined) ours.push(now - sent);
        } else if (message.type === 'error') errors += 1;
      });
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (!closing && !client.isStuck) setTimeout(() => void open(client), 50 * random());
        resolve();
      });
    });
  const clients: Client[] = [];
  for (let s = 0; s < subscribers; s += 100) {
    const some = Array.from({ length: Math.min(100, subscribers - s) }, (_, k) => ({
      ...{ device: idOf((s + k) % devices), heard: [] as string[], isStuck: s + k < stuck },
      ...{ cursor: undefined, socket: undefined as unknown as WebSocket },
    }));
    clients.push(...some);
    await Promise.all(some.map(open));
  }
  await sleep(3_000);
  const idleKb = Math.round(((rssMb(run.pid) - before) * 1024) / subscribers);
  if (cuts > 0) {
    // Each client has a cursor before it is cut for the first time.
    const atMs = Date.now();
    await send(all.map((device) => ({ device, atMs })));
    for (const device of all) sentAtMs.set(`${idOf(device)} ${atMs}`, performance.now());
    while (clients.some(({ cursor }) => cursor === undefined)) await sleep(50);
  }
  const expected = new Map<string, number>(all.map((device) => [idOf(device), cuts > 0 ? 1 : 0]));
  const startMs = performance.now();
  const framesBefore = frames;
  let sent = 0;
  let cut = 0;
  const sending: Promise<void>[] = [];
  while (performance.now() - startMs < SECONDS * 1_000) {
    const passedS = (performance.now() - startMs) / 1_000;
    const batch = [];
    for (; sent < passedS * perSecond; sent++) {
      const device = sent % devices;
      const atMs = Date.now() + (sent % 7);
      const key = `${idOf(device)} ${atMs}`;
      if (sentAtMs.has(key)) continue;
      sentAtMs.set(key, performance.now());
      expected.set(idOf(device), expected.get(idOf(device))! + 1);
      batch.push({ device, atMs });
    }
    if (batch.length > 0) sending.push(send(batch));
    for (; cut < (passedS / SECONDS) * cuts; cut++) {
      clients[Math.floor(random() * clients.length)]!.socket.terminate();
    }
    await sleep(5);
  }
  await Promise.all(sending);
  const perSecondHeard = Math.round(
    (frames - framesBefore) / ((performance.now() - startMs) / 1_000),
  );
  await sleep(6_000);
  closing = true;
  const readers = clients.filter(({ isStuck }) => !isStuck);
  let missed = 0;
  let doubled = 0;
  for (const { device, heard } of readers) {
    const once = new Set(heard);
    doubled += heard.length - once.size;
    missed += expected.get(device)! - once.size;
  }
  const at = (list: number[], share: number) =>
    list.length === 0
      ? '-'
      : list[Math.min(list.length - 1, Math.floor(list.length * share))]!.toFixed(0);
  for (const list of [bare, ours]) list.sort((a, b) => a - b);
  console.log(
    [
      `${subscribers} subscribers, ${devices} devices, ${perSecond} events/s${stuck > 0 ? `, ${stuck} read nothing` : ''}${cuts > 0 ? `, ${cut} cuts` : ''}:`,
      `bare p50 ${at(bare, 0.5)} p99 ${at(bare, 0.99)} ms; ours p50 ${at(ours, 0.5)} p99 ${at(ours, 0.99)} ms;`,
      `${perSecondHeard} deliveries/s; missed ${missed}, doubled ${doubled}, errors ${errors};`,
      `RSS ${rssMb(run.pid)} MB, ${idleKb} kB for an idle subscriber`,
    ].join(' '),
  );
  for (const { socket } of clients) socket.terminate();
  sentAtMs.clear();
  await sleep(2_000);
}

console.log(`seed ${values.seed}, ${SECONDS} s a round`);
try {
  for (const [n, round] of ROUNDS.entries()) {
    if (values.only === undefined || values.only.split(',').includes(String(n + 1))) {
      await playRound(round, n);
    }
  }
} finally {
  await bareConsumer.disconnect();
  await kafka.close();
  await stop();
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
