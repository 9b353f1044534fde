import type { CanonicalEvent } from '../core/event.ts';
import type { TelemetryPlace } from '../store/read/events.ts';
import { readTelemetry, readTelemetryEnd, TELEMETRY_BEGINNING } from '../store/read/events.ts';
import { readJournalStartMs } from '../store/read/changes.ts';
import type { Reader } from '../store/read/reading.ts';
import { openReading } from '../store/read/reading.ts';
import type { CursorFault } from './cursors.ts';
import { isForgotten } from './retention.ts';
import { createStream } from './stream.ts';
import type { Streams } from './streams.ts';

/** One stored event of a device, as a subscriber hears it. */
export interface TelemetryMessage {
  readonly cursor: string;
  readonly deviceId: string;
  readonly event: CanonicalEvent;
  readonly late: boolean;
  /** Nobody was assigned to the device at the event's time. */
  readonly unassigned: boolean;
}

const BATCH = 500;

/**
 * A device's events as they are stored, each once, also late ones. A device not heard of yet is
 * waited for; another tenant's looks the same.
 *
 * @param after cursor of the last message seen; without it the stream begins now
 */
export async function streamTelemetry(
  { store, hub, cursors, now }: Streams,
  reader: Reader,
  deviceId: string,
  after: string | undefined,
): Promise<AsyncIterableIterator<TelemetryMessage> | CursorFault> {
  const watch = hub.watch({ of: 'telemetry', deviceId });
  try {
    const start = await startOf();
    if (typeof start === 'string') {
      watch.close();
      return start;
    }
    let place = start;
    return createStream(watch, async () => {
      const reading = openReading(store, reader, { snapshot: false });
      try {
        const batch = await reading.run((tx) => readTelemetry(tx, deviceId, place, BATCH));
        place = batch.end;
        const messages = batch.events.map(({ event, late, unassigned, place: seen }) => ({
          cursor: cursors.ofTelemetry(deviceId, seen, now()),
          deviceId,
          event,
          late,
          unassigned,
        }));
        return { messages, more: batch.more };
      } finally {
        await reading.end();
      }
    });
  } catch (error) {
    watch.close();
    throw error;
  }

  /** The end is asked as the system: that a reader cannot see a device yet must not replay it later. */
  async function startOf(): Promise<TelemetryPlace | CursorFault> {
    const system = openReading(
      store,
      { operator: true, tenant: null, driver: null },
      { snapshot: false },
    );
    try {
      const end = await system.run((tx) => readTelemetryEnd(tx, deviceId));
      if (after === undefined) return end ?? TELEMETRY_BEGINNING;
      const opened = cursors.toTelemetry(after, deviceId);
      if (typeof opened === 'string') return opened;
      if (!end || opened.place.version > end.version) return 'EXPIRED';
      const keptFromMs = await system.run(readJournalStartMs);
      return isForgotten(opened.madeAtMs, keptFromMs, now()) ? 'EXPIRED' : opened.place;
    } finally {
      await system.end();
    }
  }
}
