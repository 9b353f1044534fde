import { decodeRecord } from '../../src/core/decode/record.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { loadZones } from '../../src/zones.ts';
import type { DrivenFix } from './drives.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const settings = {
  textSpeedUnit: 'mph' as const,
  textTimeZone: 'UTC',
  zones: loadZones(),
  decodeUtf8: (bytes: Uint8Array) => decoder.decode(bytes),
};

/** What devices send for "unknown" and by fault, as JSON text. */
const rubbish = ['-1', '-3.6', '0', '255', '65535', '361', '1e308', '"NaN"', 'null', '"on"', '{}'];

/** The fixes as messages, decoded as the sink decodes them; those that are dead letters are missing. */
export function asSent(
  fixes: readonly DrivenFix[],
  { spoiledPercent, foreignPercent }: { spoiledPercent: number; foreignPercent: number },
): DrivenFix[] {
  let random = 7;
  const draw = (below: number) => {
    random = (random * 48_271) % 2_147_483_647;
    return random % below;
  };
  return fixes.flatMap(({ drive, event }) => {
    const isForeign = draw(10_000) < foreignPercent * 100;
    const place = isForeign ? { lat: '22.5431', lon: '114.0579' } : placeOf(event);
    const fields = Object.entries(optionalFields(event)).map(
      ([name, value]) =>
        `"${name}":${draw(10_000) < spoiledPercent * 100 ? (rubbish[draw(rubbish.length)] ?? '') : value}`,
    );
    const text = `{"deviceId":"d","at":${String(event.atMs)},"lat":${place.lat},"lon":${place.lon}${fields.map((field) => `,${field}`).join('')}}`;
    const record = { value: encoder.encode(text), timestampMs: event.atMs + 1_000 };
    const decoded = decodeRecord(record, settings);
    return decoded.ok ? [{ drive, event: decoded.value.event }] : [];
  });
}

function placeOf({ latE7 = 0, lonE7 = 0 }: CanonicalEvent): { lat: string; lon: string } {
  return { lat: String(latE7 / 1e7), lon: String(lonE7 / 1e7) };
}

function optionalFields(event: CanonicalEvent): Record<string, string> {
  const { speedCkmh, headingDdeg, accelForwardMmps2: forward, accelLeftMmps2: left } = event;
  return {
    ...(speedCkmh === undefined ? {} : { speedKmh: String(speedCkmh / 100) }),
    ...(headingDdeg === undefined ? {} : { headingDeg: String(headingDdeg / 10) }),
    ...(forward === undefined || left === undefined
      ? {}
      : { accelMps2: JSON.stringify({ forward: forward / 1_000, left: left / 1_000 }) }),
    ...(event.ignition === undefined ? {} : { ignition: String(event.ignition) }),
    accuracyM: '5',
    speedLimitKmh: '130',
  };
}
