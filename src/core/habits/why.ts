import type { DrivingEventKind, MeasurementSource, Severity } from '../changes.ts';

/** The stored record of a flag; null: written by a release that did not store this value. */
export interface FlagRecord {
  readonly kind: DrivingEventKind;
  readonly source: MeasurementSource;
  readonly severity: Severity;
  readonly peakMmps2: number | null;
  readonly peakCkmh: number | null;
  readonly speedBeforeCkmh: number | null;
  readonly speedAfterCkmh: number | null;
  readonly threshold: number | null;
  readonly severityThreshold: number | null;
  readonly leastMs: number | null;
  readonly durationMs: number | null;
  readonly rulesVersion: string;
}

const did: Readonly<Record<DrivingEventKind, string>> = {
  HARSH_BRAKING: 'Slowed down',
  HARSH_ACCELERATION: 'Sped up',
  HARSH_CORNERING: 'Turned',
  SPEEDING: 'Drove',
  PHONE_USE: 'Had the phone in use',
};

const measuredBy: Readonly<Record<MeasurementSource, string>> = {
  ACCELEROMETER: 'felt by the accelerometer',
  GPS: 'by speed and course',
  DEVICE: "by the device's own word",
};

/**
 * Explains in one sentence why a flag was raised, from its record alone: what was measured and how,
 * the thresholds of a flag and of this severity, and the rules version.
 */
export function explainFlag(flag: FlagRecord): string {
  const words = flag.peakMmps2 === null ? explainLasting(flag) : explainMoment(flag);
  return `${words} (rules ${flag.rulesVersion}).`;
}

function explainMoment(flag: FlagRecord): string {
  const { kind, source, severity, speedBeforeCkmh, speedAfterCkmh } = flag;
  const speeds =
    speedBeforeCkmh === null || speedAfterCkmh === null
      ? ''
      : `, ${toKmh(speedBeforeCkmh)} before and ${toKmh(speedAfterCkmh)} km/h after`;
  const grade =
    flag.severityThreshold === null
      ? severity
      : `${severity} from ${toMps2(flag.severityThreshold)} on`;
  return (
    `${did[kind]} by ${toMps2(flag.peakMmps2)} m/s², ${measuredBy[source]}${speeds}; ` +
    `a flag from ${toMps2(flag.threshold)} m/s² on, ${grade}`
  );
}

function explainLasting(flag: FlagRecord): string {
  const { kind, source, severity, peakCkmh, severityThreshold, leastMs, durationMs } = flag;
  const allowed =
    kind === 'SPEEDING'
      ? `where ${toKmh(flag.threshold)} km/h were allowed`
      : `${measuredBy[source]}, counted from ${toKmh(flag.threshold)} km/h on`;
  const speed = peakCkmh === null ? '' : ` at up to ${toKmh(peakCkmh)} km/h`;
  const lasting = durationMs === null ? '' : ` for ${toS(durationMs)} s`;
  const least = leastMs === null ? '' : `; a flag from ${toS(leastMs)} s on`;
  const grade =
    severityThreshold === null ? severity : `${severity} from ${toKmh(severityThreshold)} km/h on`;
  return `${did[kind]}${speed} ${allowed}${lasting}${least}, ${grade}`;
}

function toMps2(mmps2: number | null): string {
  return mmps2 === null ? 'unknown' : String(mmps2 / 1000);
}

function toKmh(ckmh: number | null): string {
  return ckmh === null ? 'unknown' : String(ckmh / 100);
}

function toS(ms: number): string {
  return String(ms / 1000);
}
