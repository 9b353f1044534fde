import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import tzlookup from '@photostructure/tz-lookup';
import type { Rules } from './core/rules.ts';
import type { Zones } from './core/zones.ts';
import { Problem } from './problem.ts';

/** A zone's offsets: `offsetsMs[i]` holds until `untilsMs[i]`. */
interface Offsets {
  readonly untilsMs: readonly number[];
  readonly offsetsMs: readonly number[];
}

/** Side of the cells in which one zone is looked up, 1e-7 degree: about 1.1 km of latitude. */
const cellE7 = 100_000;
const columns = 36_001;
const cellsKept = 100_000;

/**
 * The zone data of every rules row that names none: those of the release before rows could name them.
 * Never changed, or stored trips would be folded by other data.
 */
const FIRST_RELEASE = '2026f+11.7.0';

/** Releases of the tz rules: one file each, packed by moment-timezone, written by scripts/add-zones.ts. */
const folder = new URL('../zone-data/', import.meta.url);

/** Maps of zones by their version. A new one is put beside the old under an npm alias. */
const MAPS: Readonly<Record<string, (lat: number, lon: number) => string>> = {
  '11.7.0': tzlookup,
};

const loaded = new Map<string, Zones>();

/**
 * Time zones from the data of a named release, `tz rules+zone map`. The zone of a place is that of the
 * centre of its cell of 0.01 degree, so that a look-up can be kept without ever changing an answer.
 *
 * @throws Problem ZONES_UNKNOWN where this version of Odograph does not have the release
 */
export function loadZones(release: string = FIRST_RELEASE): Zones {
  let zones = loaded.get(release);
  if (!zones) loaded.set(release, (zones = readRelease(release)));
  return zones;
}

/** Releases of zone data that a rules row may name, newest last. */
export function listZones(): readonly string[] {
  const files = readdirSync(folder).map((name) => name.replace('.json.gz', ''));
  return files.sort().flatMap((tz) => Object.keys(MAPS).map((map) => `${tz}+${map}`));
}

/** Offsets by the zone data in force at each instant. */
export function zonesInForce(rulesAt: () => (atMs: number) => Rules): Pick<Zones, 'offsetMsAt'> {
  return {
    offsetMsAt: (zone, atMs) => loadZones(rulesAt()(atMs).zoneData).offsetMsAt(zone, atMs),
  };
}

interface Packed {
  readonly version: string;
  readonly zones: readonly string[];
  readonly links: readonly string[];
}

function readRelease(release: string): Zones {
  const [tz = '', mapVersion = ''] = release.split('+');
  const lookUp = Object.hasOwn(MAPS, mapVersion) ? MAPS[mapVersion] : undefined;
  if (!lookUp || !listZones().includes(release)) {
    throw new Problem(
      'ZONES_UNKNOWN',
      `The rules ask for the zone data ${release}; this version has ${listZones().join(', ')}.`,
      'Start a version of Odograph that has it.',
    );
  }
  const file = gunzipSync(readFileSync(new URL(`${tz}.json.gz`, folder))).toString('utf8');
  const packed = JSON.parse(file) as Packed;
  const packedByName = new Map(packed.zones.map((zone) => [zone.split('|', 1)[0] ?? '', zone]));
  for (const link of packed.links) {
    const [target = '', alias = ''] = link.split('|');
    const zone = packedByName.get(target);
    if (zone !== undefined) packedByName.set(alias, zone);
  }
  const offsetsByZone = new Map<string, Offsets>();
  const zoneByCell = new Map<number, string>();
  let latestCell = -1;
  let latestZone = '';
  return {
    version: release,
    zoneAt(latE7, lonE7) {
      const row = Math.floor((latE7 + 900_000_000) / cellE7);
      const column = Math.floor((lonE7 + 1_800_000_000) / cellE7);
      const cell = row * columns + column;
      if (cell === latestCell) return latestZone;
      let zone = zoneByCell.get(cell);
      if (zone === undefined) {
        zone = lookUp(...centreOf(row, column));
        if (zoneByCell.size >= cellsKept) zoneByCell.clear();
        zoneByCell.set(cell, zone);
      }
      latestCell = cell;
      latestZone = zone;
      return zone;
    },
    offsetMsAt(zone, atMs) {
      let offsets = offsetsByZone.get(zone);
      if (offsets === undefined) {
        const text = packedByName.get(zone);
        if (text === undefined) {
          throw new Error(`ZONE_UNKNOWN: the tz data ${packed.version} has no zone "${zone}"`);
        }
        offsetsByZone.set(zone, (offsets = unpack(text)));
      }
      return offsetAt(offsets, atMs);
    },
  };
}

function centreOf(row: number, column: number): [lat: number, lon: number] {
  const lat = ((row + 0.5) * cellE7) / 1e7 - 90;
  const lon = ((column + 0.5) * cellE7) / 1e7 - 180;
  return [Math.min(lat, 90), Math.min(lon, 180)];
}

function offsetAt({ untilsMs, offsetsMs }: Offsets, atMs: number): number {
  // The first period that has not ended.
  let low = 0;
  let high = untilsMs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (atMs < (untilsMs[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return offsetsMs[low] as number;
}

/**
 * moment-timezone's packed form: name|abbreviations|offsets|indices|lengths|population, offsets in
 * minutes west and lengths in minutes, both in base 60 with a fraction after a dot.
 */
function unpack(text: string): Offsets {
  const fields = text.split('|');
  const west = (fields[2] ?? '').split(' ').map(fromBase60);
  const indices = Array.from(fields[3] ?? '', (digit) => fromBase60(digit));
  const lengths = (fields[4] ?? '') === '' ? [] : (fields[4] ?? '').split(' ').map(fromBase60);
  const untilsMs: number[] = [];
  let minutes = 0;
  for (let i = 0; i < indices.length - 1; i++) {
    minutes += lengths[i] ?? 0;
    untilsMs.push(Math.round(minutes * 60_000));
  }
  untilsMs.push(Infinity);
  return {
    untilsMs,
    offsetsMs: indices.map((index) => 0 - Math.round((west[index] ?? 0) * 60_000)),
  };
}

const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX';

function fromBase60(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const [whole = '', fraction = ''] = (sign < 0 ? text.slice(1) : text).split('.');
  let value = 0;
  for (const digit of whole) value = value * 60 + digits.indexOf(digit);
  let scale = 1;
  for (const digit of fraction) value += digits.indexOf(digit) * (scale /= 60);
  return sign * value;
}
