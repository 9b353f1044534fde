import type { DayPart, RejectionReason } from '../../core/changes.ts';

/** A trip as stored, in the store's units, and whether it is closed by now. */
export interface TripRow {
  readonly id: number;
  readonly deviceRef: number;
  readonly deviceId: string;
  readonly tenantRef: number;
  readonly driverRef: number | null;
  readonly vehicleRef: number | null;
  readonly closed: boolean;
  /** Of a trip that is not closed: the instant at which silence closes it. */
  readonly silentAtMs: number | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly endReason: string | null;
  readonly timeZone: string;
  readonly localDate: string;
  readonly distanceM: number;
  readonly distanceSource: string;
  readonly bridgedM: number;
  readonly movingMs: number;
  readonly idleMs: number;
  readonly maxSpeedCkmh: number;
  readonly nightM: number;
  readonly fixes: number;
  readonly startLatE7: number | null;
  readonly startLonE7: number | null;
  readonly endLatE7: number | null;
  readonly endLonE7: number | null;
  readonly rejectedFixes: Readonly<Partial<Record<RejectionReason, number>>>;
  readonly days: readonly DayPart[];
  readonly rulesVersion: string;
  readonly revision: number;
  readonly updatedAtMs: number;
  readonly anchorSec: number;
  readonly anchorRest: bigint;
  readonly lastSec: number;
  readonly lastRest: bigint;
  /** Transaction that changed it last, as decimal digits. */
  readonly changed: string;
  /** Late messages removed it; the row is its last state. */
  readonly gone: boolean;
  /** If it is gone: the trip that now contains the event which opened it. */
  readonly supersededByRef: number | null;
}
