import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import kafkajs from 'kafkajs';
import { expect } from 'vitest';
import { decodeRecord } from '../../src/core/decode/record.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { foldAll } from '../../src/core/fold-all.ts';
import { canonicalBytes } from '../../src/core/premium/exact/canonical.ts';
import { configure } from '../../src/engine/child.ts';
import type { Producer } from '../../src/sim/publish.ts';
import { startFleet } from '../../src/sim/start.ts';
import { loadZones } from '../../src/zones.ts';
import { createTestTopic } from '../support/topic.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const NOON_MS = Date.parse('2026-03-02T12:00:00Z');

/** What the command line of an engine's program names. */
export interface Run {
  readonly brokers: string;
  readonly messages: string;
  readonly facts: string;
  readonly applicationId: string;
  /** Path of the core's main file. */
  readonly core: string;
  /** A folder of its own. */
  readonly folder: string;
}

export interface Engine {
  /** Name of the Maven module. */
  readonly module: string;
  readonly mainClass: string;
  readonly args: (run: Run) => readonly string[];
  /** Whether its program ends by itself when everything is read. */
  readonly ends?: boolean;
}

/** A topic of a fleet's disordered messages with the facts that one ordered pass over them gives. */
export interface Published {
  readonly run: Run;
  readonly records: number;
  readonly facts: ReadonlyMap<string, string>;
  drop(): Promise<void>;
}

/** Builds the core's bundle and a Maven module. */
export function buildEngine({ module }: Engine): void {
  execFileSync(process.execPath, ['scripts/engines.js', module], { cwd: root, stdio: 'inherit' });
}

/** Publishes at least so many messages of a simulated fleet with heavy defects: late, repeated, broken ones. */
export async function publishFleet(least: number, seed: number): Promise<Published> {
  const messages = await createTestTopic();
  const facts = await createTestTopic();
  const kafka = new kafkajs.Kafka({
    brokers: [...messages.brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const producer = kafka.producer();
  await producer.connect();
  const settings = configure('');
  const events = new Map<string, CanonicalEvent[]>();
  const dead: string[] = [];
  let records = 0;
  const send: Producer['send'] = async (batch) => {
    records += batch.length;
    for (const { key, value, headers } of batch) {
      const decoded = decodeRecord(
        {
          value: Buffer.from(value),
          contentType: headers['content-type'],
          timestampMs: NOON_MS,
        },
        settings.decoding,
      );
      if (decoded.ok && decoded.value.deviceId === key) {
        const list = events.get(key) ?? [];
        events.set(key, list);
        list.push(decoded.value.event);
      } else dead.push(key);
    }
    for (let at = 0; at < batch.length; at += 1_000) {
      const part = batch.slice(at, at + 1_000);
      await producer.send({
        topic: messages.topic,
        messages: part.map((record) => ({ ...record, timestamp: String(NOON_MS) })),
      });
    }
  };
  const fleet = startFleet({
    seed,
    cars: Math.ceil(least / 4_000),
    zones: loadZones(),
    historyDays: 1,
    defects: 'heavy',
    producer: { send },
    now: () => NOON_MS,
    live: false,
  });
  await fleet.finished;
  await producer.disconnect();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'odograph-engine-'));
  return {
    run: {
      brokers: messages.brokers.join(','),
      messages: messages.topic,
      facts: facts.topic,
      applicationId: `odograph-test-${randomBytes(4).toString('hex')}`,
      core: path.join(root, 'engines/target/core/engine/main.mjs'),
      folder,
    },
    records,
    facts: factsOf(events, settings),
    async drop() {
      await messages.drop();
      await facts.drop();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

function factsOf(
  events: ReadonlyMap<string, readonly CanonicalEvent[]>,
  { context }: ReturnType<typeof configure>,
): Map<string, string> {
  const facts = new Map<string, string>();
  for (const [device, list] of events) {
    const { trips, drivingEvents, openTrip } = foldAll(list, context);
    for (const trip of [...trips, ...(openTrip ? [openTrip] : [])]) {
      const { atMs, digest } = trip.anchor;
      facts.set(`trip ${device} ${atMs} ${digest}`, canonicalBytes(trip));
    }
    for (const flag of drivingEvents) {
      facts.set(`flag ${device} ${flag.atMs} ${flag.kind} ${flag.source}`, canonicalBytes(flag));
    }
  }
  return facts;
}

export function startEngine(engine: Engine, run: Run): ChildProcess {
  const target = path.join(root, 'engines', engine.module, 'target');
  const child = spawn(
    'java',
    [
      '-Xmx1g',
      '-cp',
      `${target}/classes${path.delimiter}${target}/lib/*`,
      engine.mainClass,
      ...engine.args(run),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  // Read, or a full pipe would stop the engine; shown where it ends by itself.
  let said = '';
  const log = process.env['ODOGRAPH_ENGINE_LOG'];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4_000);
      if (log !== undefined) fs.appendFileSync(log, chunk);
    });
  }
  child.on('exit', (code) => {
    if (code !== null && code !== 0) console.error(`${engine.module} ended with ${code}:\n${said}`);
  });
  return child;
}

/** Kills the engine and the Node processes that it started, without notice. */
export async function killEngine(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  process.kill(-child.pid!, 'SIGKILL');
  await ended;
}

/** The table that the compacted topic of facts stands for, kept up to date. */
export async function readFacts(brokers: string, topic: string) {
  const kafka = new kafkajs.Kafka({
    brokers: brokers.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const consumer = kafka.consumer({ groupId: `odograph-test-${randomBytes(6).toString('hex')}` });
  const facts = new Map<string, string>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => {
      const key = message.key!.toString();
      if (message.value === null) facts.delete(key);
      else facts.set(key, message.value.toString());
      return Promise.resolve();
    },
  });
  return {
    /** Trips and flags. */
    facts: () => new Map([...facts].filter(([key]) => /^(trip|flag) /.test(key))),
    close: () => consumer.disconnect(),
  };
}

/** Waits until the topic says the same, byte for byte. */
export async function expectFacts(
  read: Awaited<ReturnType<typeof readFacts>>,
  expected: ReadonlyMap<string, string>,
  waitMs: number,
): Promise<void> {
  const text = (facts: ReadonlyMap<string, string>) =>
    [...facts].map(([key, json]) => `${key}\t${json}`).sort();
  const wanted = text(expected);
  let differing: string[] = [];
  for (const endsMs = Date.now() + waitMs; Date.now() < endsMs; await sleep(500)) {
    const now = new Set(text(read.facts()));
    differing = wanted.filter((line) => !now.has(line));
    if (differing.length === 0 && now.size === wanted.length) return;
  }
  const all = `${read.facts().size} facts read, ${wanted.length} expected`;
  expect.fail(`${all}, ${differing.length} missing or other:\n${differing.slice(0, 3).join('\n')}`);
}
