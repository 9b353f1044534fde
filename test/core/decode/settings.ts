import type { DecodeSettings } from '../../../src/core/decode/format.ts';
import { decodeRecord } from '../../../src/core/decode/record.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Settings of the decoder in tests: miles per hour and UTC for text lines. */
export const settings: DecodeSettings = {
  textSpeedUnit: 'mph',
  textTimeZone: 'UTC',
  zones: { offsetMsAt: () => 0 },
  decodeUtf8: (bytes) => {
    try {
      return decoder.decode(bytes);
    } catch {
      return undefined;
    }
  },
};

export const NOW = Date.parse('2026-11-23T00:00:00Z');

/** Decodes a value at the time NOW. */
export function decode(
  value: string | Uint8Array,
  { timestampMs = NOW, contentType }: { timestampMs?: number; contentType?: string } = {},
) {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return decodeRecord({ value: bytes, timestampMs, contentType }, settings);
}
