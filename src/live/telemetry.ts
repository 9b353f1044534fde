import { readJournalStartMs } from '../store/read/changes.ts';
import type { TelemetryPlace } from '../store/read/live/telemetry.ts';
import { TELEMETRY_BEGINNING } from '../store/read/live/telemetry.ts';
import type { Reader } from '../store/read/session.ts';
import { withReading } from '../store/read/transaction.ts';
import type { CursorFault } from './cursors.ts';
import type { TelemetryMessage } from './feeds/telemetry.ts';
import { isForgotten } from './retention.ts';
import type { StreamOptions, Streams } from './streams.ts';

/**
 * A device's events as they are stored, each once, also late ones. A device that was never heard of is waited for;
 * another tenant's looks the same.
 */
export async function streamTelemetry(
  { store, hub, cursors, now }: Streams,
  reader: Reader,
  deviceId: string,
  { after, present = false }: StreamOptions,
): Promise<AsyncIterableIterator<TelemetryMessage> | CursorFault> {
  const start = await startOf();
  if (typeof start === 'string') return start;
  return hub.telemetry.open(reader, deviceId, start, after === undefined);

  /** The end is asked over all tenants: that a reader cannot see a device yet must not replay it later. */
  async function startOf(): Promise<TelemetryPlace | CursorFault> {
    const end = (await hub.telemetry.end(deviceId))?.place;
    if (after === undefined) return end === undefined ? TELEMETRY_BEGINNING : startAt(end);
    const opened = cursors.toTelemetry(after, deviceId);
    if (typeof opened === 'string') return opened;
    if (!end || opened.place.version > end.version) return 'EXPIRED';
    const isGone = await isForgotten(opened.madeAtMs, now(), readKeptFromMs);
    return isGone ? 'EXPIRED' : opened.place;
  }

  function readKeptFromMs(): Promise<number | null> {
    return withReading(store, reader, { snapshot: false }, (reading) =>
      reading.run(readJournalStartMs),
    );
  }

  /** The end, or with the present state the place before the newest event. */
  function startAt(end: TelemetryPlace): TelemetryPlace {
    return present && end.sec !== TELEMETRY_BEGINNING.sec ? { ...end, rest: end.rest - 1n } : end;
  }
}
