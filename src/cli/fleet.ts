import type { Config } from '../config.ts';
import { kafkaSettings } from '../kafka-settings.ts';
import { createKafka, PARTITIONS } from '../kafka.ts';
import type { Logger } from '../log.ts';
import type { FleetRun, RunningFleet } from '../sim/start.ts';
import { startFleet } from '../sim/start.ts';
import { loadZones } from '../zones.ts';

/** Publishes a fleet's messages to the topic, creating the topic if it is missing. */
export function publishFleet(
  config: Config,
  log: Logger,
  brokers: readonly string[],
  fleet: Omit<FleetRun, 'producer' | 'zones' | 'now'>,
): RunningFleet {
  const kafka = createKafka(kafkaSettings(config, brokers), log);
  const ready = kafka.ensureTopic(config.kafkaTopic, PARTITIONS);
  ready.catch(() => undefined);
  const running = startFleet({
    ...fleet,
    producer: {
      send: async (records) => {
        await ready;
        await kafka.produce(config.kafkaTopic, records);
      },
    },
    zones: loadZones(),
    now: Date.now,
  });
  const finished = running.finished.finally(() => kafka.close());
  finished.catch(() => undefined);
  return {
    historyPublished: running.historyPublished,
    finished,
    stop: async () => {
      await running.stop();
      await finished;
    },
  };
}
