import { encodeState, type FoldContext, openTrip } from '../core/advance.ts';
import type { DecodeSettings } from '../core/decode/format.ts';
import { decodeRecord } from '../core/decode/record.ts';
import { type CanonicalEvent, compareKeys, type EventKey } from '../core/event.ts';
import { deadFact, type Fact, foldToFacts, lateFact, tripFact } from './facts.ts';
import { decodeHead, encodeHead, type Head } from './head.ts';
import { encodeBase, encodeEntries, type Entry, type LogMove, PIECE_EVENTS } from './log.ts';
import { repair } from './repair.ts';

export interface EngineRecord {
  /** Where the record is, for its dead letter: topic/partition/offset. */
  readonly source: string;
  /** The `content-type` header, empty where there is none. */
  readonly contentType: string;
  readonly timestampMs: number;
  readonly value: Uint8Array | null;
}

/** A device's new records with what the engine keeps of it. */
export interface DeviceRequest {
  /** Key of the records. */
  readonly id: string;
  /** As the last response gave it; empty for a new device. */
  readonly head: Uint8Array;
  /** Pieces of the log that an earlier response asked for, by number. */
  readonly pieces: ReadonlyMap<number, Uint8Array>;
  readonly records: readonly EngineRecord[];
}

export interface FoldRequest {
  /** An open trip is told again after so much time of events; 0: with each call. */
  readonly tellOpenEveryMs: number;
  readonly devices: readonly DeviceRequest[];
}

export type DeviceResponse =
  /** Late events: send the same records again, with these pieces of the log. Nothing has changed. */
  | { readonly type: 'needsPieces'; readonly numbers: readonly number[] }
  | {
      readonly type: 'done';
      readonly head: Uint8Array;
      readonly log: readonly LogMove[];
      readonly facts: readonly Fact[];
    };

export interface EngineSettings {
  readonly context: FoldContext;
  readonly decoding: DecodeSettings;
  /** For so long before a device's newest event late events are repaired; older ones become `late` facts. */
  readonly horizonMs: number;
}

/**
 * Folds a device's records: a pure function of its arguments, so that a call that failed is sent
 * again with the same bytes. The records may be repeated, disordered and late.
 * @throws StateVersionError where another version wrote head or pieces
 */
export function foldDevice(
  { id, head: headBytes, pieces, records }: DeviceRequest,
  tellOpenEveryMs: number,
  { context, decoding, horizonMs }: EngineSettings,
): DeviceResponse {
  const facts = new Map<string, string | undefined>();
  const say = ({ key, json }: Fact) => void facts.set(key, json);
  const head = decodeHead(id, headBytes);
  const events = decodeEvents(id, records, decoding, say);
  const log: LogMove[] = [];

  const oldest = head.pieces[0]?.after;
  const split = events.findIndex((e) => head.key === undefined || compareKeys(e, head.key) > 0);
  const past = split < 0 ? events : events.slice(0, split);
  const late = past.filter((e) => oldest === undefined || compareKeys(e, oldest) > 0);
  for (const event of past) {
    if (oldest !== undefined && compareKeys(event, oldest) <= 0) say(lateFact(id, event));
  }
  if (late.length > 0) {
    const repaired = repair(id, head, late, pieces, context);
    if (repaired.type === 'needsPieces') return repaired;
    for (const fact of repaired.facts) say(fact);
    log.push(...repaired.log);
    head.isOpenStale = true;
  }
  for (const move of foldForward(id, head, split < 0 ? [] : events.slice(split), context, say)) {
    log.push(move);
  }
  tellOpenTrip(id, head, tellOpenEveryMs, context, facts);
  for (const number of forgetPieces(head, horizonMs)) log.push({ type: 'delete', number });
  return {
    type: 'done',
    head: head.key === undefined ? headBytes : encodeHead(head),
    log,
    facts: [...facts].map(([key, json]) => ({ key, json })),
  };
}

/** The device's events in order, each once; what cannot be used becomes a dead letter. */
function decodeEvents(
  id: string,
  records: readonly EngineRecord[],
  decoding: DecodeSettings,
  say: (fact: Fact) => void,
): CanonicalEvent[] {
  const events: CanonicalEvent[] = [];
  for (const { source, contentType, timestampMs, value } of records) {
    const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
    const decoded = decodeRecord(
      { value, timestampMs, ...(type === '' ? {} : { contentType: type }) },
      decoding,
    );
    if (!decoded.ok) say(deadFact(source, decoded.reason, decoded.message));
    else if (decoded.value.deviceId !== id) {
      const said = JSON.stringify(decoded.value.deviceId);
      say(
        deadFact(
          source,
          'OTHER_KEY',
          `the record's key is ${JSON.stringify(id)}, but its value is of device ${said}: an engine keeps a device's state under the record's key`,
        ),
      );
    } else events.push(decoded.value.event);
  }
  return events
    .sort(compareKeys)
    .filter((event, i, sorted) => i === 0 || compareKeys(sorted[i - 1]!, event) !== 0);
}

/** Folds events that are newer than the head, and appends them to the log. */
function foldForward(
  id: string,
  head: Head,
  events: readonly CanonicalEvent[],
  context: FoldContext,
  say: (fact: Fact) => void,
): LogMove[] {
  const moves: LogMove[] = [];
  let entries: Entry[] = [];
  const flush = () => {
    if (entries.length === 0) return;
    const { number } = head.pieces.at(-1)!;
    moves.push({ type: 'append', number, bytes: encodeEntries(entries) });
    entries = [];
  };
  for (const event of events) {
    if (head.pieces.length === 0 || head.newestEvents >= PIECE_EVENTS) {
      flush();
      const number = head.nextPiece++;
      head.pieces.push({ number, after: head.key && keyOf(head.key) });
      head.newestEvents = 0;
      moves.push({ type: 'put', number, bytes: encodeBase(encodeState(head.state)) });
    }
    const outputs = foldToFacts(id, head.state, event, context);
    outputs.forEach(say);
    entries.push({ event, outputs });
    head.newestEvents += 1;
    head.key = event;
    head.isOpenStale = true;
  }
  flush();
  return moves;
}

/** Tells the open trip where it is due, and withdraws the one told before where it is no trip any more. */
function tellOpenTrip(
  id: string,
  head: Head,
  everyMs: number,
  context: FoldContext,
  facts: Map<string, string | undefined>,
): void {
  const { key } = head;
  if (key === undefined) return;
  const trip = openTrip(head.state, context);
  const open = trip && tripFact(id, trip);
  if (head.openKey !== '' && head.openKey !== open?.key) {
    if (!facts.has(head.openKey)) facts.set(head.openKey, undefined);
    head.openKey = '';
  }
  if (open === undefined) return;
  const isTold = head.openKey === open.key;
  // After a repair the newest event may be no newer than when the trip was told.
  const isDue = Math.abs(key.atMs - head.openToldAtMs) >= everyMs;
  if (isTold && (!head.isOpenStale || !isDue)) return;
  facts.set(open.key, open.json);
  head.openKey = open.key;
  head.openToldAtMs = key.atMs;
  head.isOpenStale = false;
}

/** Drops pieces whose events are all older than the horizon. @returns their numbers */
function forgetPieces(head: Head, horizonMs: number): number[] {
  const numbers: number[] = [];
  for (;;) {
    const [first, second] = head.pieces;
    if (!first || !second?.after || !head.key) break;
    if (head.key.atMs - second.after.atMs <= horizonMs) break;
    numbers.push(first.number);
    head.pieces.shift();
  }
  return numbers;
}

function keyOf({ atMs, digest }: EventKey): EventKey {
  return { atMs, digest };
}
