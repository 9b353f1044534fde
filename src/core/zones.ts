/**
 * Time zones for the core: look-up functions passed in by the caller, created from the data of a
 * named tz release. The core itself uses neither Intl nor the machine's settings.
 */
export interface Zones {
  /** Release of the tz rules and of the zone map, e.g. "2026a+11.7.0"; part of the rules version. */
  readonly version: string;
  /** IANA zone of a place, e.g. "America/New_York"; at sea an Etc/GMT zone. */
  readonly zoneAt: (latE7: number, lonE7: number) => string;
  /** Offset of local time from UTC in that zone at that instant, milliseconds, east positive. */
  readonly offsetMsAt: (zone: string, atMs: number) => number;
}
