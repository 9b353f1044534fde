import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/core/digest.ts';
import { foldAll } from '../../src/core/fold-all.ts';
import { createRulesTimeline } from '../../src/core/rules.ts';
import { listZones, loadZones, zonesInForce } from '../../src/zones.ts';

const VANCOUVER = { latE7: 492_600_000, lonE7: -1_231_100_000 };
/** A quarter of an hour after local midnight by one release, before midnight by the other. */
const DRIVE_AT = Date.UTC(2026, 11, 2, 7, 15);

function drive(fromMs: number) {
  return Array.from({ length: 60 }, (_, i) => {
    const content = {
      ...VANCOUVER,
      latE7: VANCOUVER.latE7 + i * 1_500,
      atMs: fromMs + i * 1_000,
      speedCkmh: 6_000,
    };
    return { ...content, digest: digestOf(content) };
  });
}

describe('zone data', () => {
  it('of a release never change: trips are folded with the same data years later', () => {
    const hashes = listZones().map((release) => {
      const file = new URL(`../../zone-data/${release.split('+')[0]}.json.gz`, import.meta.url);
      return [release, createHash('sha256').update(readFileSync(file)).digest('hex')];
    });
    expect(Object.fromEntries(hashes)).toMatchInlineSnapshot(`
      {
        "2025b+11.7.0": "9e527db4883a642a0fe38e93762a61e41798e35c25f61660bce77608d418e4c3",
        "2026f+11.7.0": "d4167bcc45e6c5840e1b70815800914a7257a8f8cdb07ff4e3c72027fa3456b0",
      }
    `);
  });

  it('are those that the rules row of a trip names', () => {
    const rulesAt = createRulesTimeline([
      { effectiveFromMs: 0, version: '2+2025b+11.7.0' },
      { effectiveFromMs: DRIVE_AT + 43_200_000, version: '2+2026f+11.7.0' },
    ]);
    const events = [...drive(DRIVE_AT), ...drive(DRIVE_AT + 86_400_000)];
    const { trips, openTrip } = foldAll(events, { rulesAt, zonesOf: loadZones });
    expect(
      [...trips, openTrip!].map(({ localDate, rulesVersion }) => ({ localDate, rulesVersion })),
    ).toEqual([
      { localDate: '2026-12-01', rulesVersion: '2+2025b+11.7.0' },
      { localDate: '2026-12-03', rulesVersion: '2+2026f+11.7.0' },
    ]);
  });

  it('stay 2026f if no row names a release, whichever release is the newest', () => {
    expect(loadZones().version).toBe('2026f+11.7.0');
    const rulesAt = createRulesTimeline([{ effectiveFromMs: 0, version: '2' }]);
    const { openTrip } = foldAll(drive(DRIVE_AT), { rulesAt, zonesOf: loadZones });
    expect(openTrip?.rulesVersion).toBe('2+2026f+11.7.0');
  });

  it('turn the local times of text lines into instants by the rules in force at that time', () => {
    const rulesAt = createRulesTimeline([
      { effectiveFromMs: 0, version: '2+2025b+11.7.0' },
      { effectiveFromMs: Date.UTC(2027, 0, 1), version: '2+2026f+11.7.0' },
    ]);
    const zones = zonesInForce(() => rulesAt);
    const hours = (atMs: number) => zones.offsetMsAt('America/Vancouver', atMs) / 3_600_000;
    expect(hours(Date.UTC(2026, 11, 2))).toBe(-8);
    expect(hours(Date.UTC(2027, 0, 2))).toBe(-7);
  });

  it('that this version does not have are refused, with a list of those that it has', () => {
    for (const release of ['2099z+11.7.0', '2026f+0.0.1', '2026f', '../2026f+11.7.0', '']) {
      expect(() => loadZones(release)).toThrow(
        `The rules ask for the zone data ${release}; this version has 2025b+11.7.0, 2026f+11.7.0.`,
      );
    }
  });
});
