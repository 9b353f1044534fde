// Each engine on the local broker: the facts of one ordered pass, byte for byte, also after the
// program was killed in the middle. `npm run test:engines`; ODOGRAPH_ENGINE=storm for one of them.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildEngine,
  type Engine,
  expectFacts,
  killEngine,
  type Published,
  publishFleet,
  readFacts,
  startEngine,
} from './harness.ts';

const EVENTS = Number(process.env['ODOGRAPH_ENGINE_EVENTS'] ?? 50_000);
const WAIT_MS = 240_000;

const engines: readonly Engine[] = [
  {
    module: 'kafka-streams',
    mainClass: 'org.odograph.engines.kafkastreams.KafkaStreamsTrips',
    args: ({ brokers, messages, facts, applicationId, core, folder }) => [
      ...[brokers, messages, facts, applicationId, core, folder],
    ],
  },
];
const wanted = process.env['ODOGRAPH_ENGINE'];

describe.each(engines.filter(({ module }) => wanted === undefined || module === wanted))(
  '$module',
  (engine) => {
    let published: Published;
    beforeAll(async () => {
      buildEngine(engine);
      published = await publishFleet(EVENTS, 7);
    }, 600_000);
    afterAll(() => published?.drop());

    it(`gives the facts of one ordered pass over ${EVENTS} disordered events, also after kill -9`, async () => {
      const { run, facts, records } = published;
      expect(records).toBeGreaterThanOrEqual(EVENTS);
      const read = await readFacts(run.brokers, run.facts);
      let child = startEngine(engine, run);
      try {
        for (const endsMs = Date.now() + WAIT_MS; Date.now() < endsMs; await sleep(50)) {
          if (read.facts().size > facts.size / 4) break;
        }
        const before = read.facts().size;
        await killEngine(child);
        expect(before).toBeGreaterThan(0);
        child = startEngine(engine, run);
        await expectFacts(read, facts, WAIT_MS);
      } finally {
        await killEngine(child);
        await read.close();
      }
    }, 600_000);
  },
);
