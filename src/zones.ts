import { createRequire } from 'node:module';
import tzlookup from '@photostructure/tz-lookup';
import type { Zones } from './core/zones.ts';

const require = createRequire(import.meta.url);

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
 * Time zones from data files of named releases: moment-timezone's packed tz data and the zone map
 * of tz-lookup. The zone of a place is that of the centre of its cell of 0.01 degree, so that the
 * look-up can be kept without ever changing an answer.
 */
export function loadZones(): Zones {
  const packed = require('moment-timezone/data/packed/latest.json') as {
    version: string;
    zones: string[];
    links: string[];
  };
  const map = require('@photostructure/tz-lookup/package.json') as { version: string };
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
    version: `${packed.version}+${map.version}`,
    zoneAt(latE7, lonE7) {
      const row = Math.floor((latE7 + 900_000_000) / cellE7);
      const column = Math.floor((lonE7 + 1_800_000_000) / cellE7);
      const cell = row * columns + column;
      if (cell === latestCell) return latestZone;
      let zone = zoneByCell.get(cell);
      if (zone === undefined) {
        zone = lookUp(row, column);
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

function lookUp(row: number, column: number): string {
  const lat = ((row + 0.5) * cellE7) / 1e7 - 90;
  const lon = ((column + 0.5) * cellE7) / 1e7 - 180;
  return tzlookup(Math.min(lat, 90), Math.min(lon, 180));
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
