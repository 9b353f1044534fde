import { decodeState, encodeState, type FoldContext } from '../core/advance.ts';
import { type CanonicalEvent, compareKeys } from '../core/event.ts';
import type { DeviceState } from '../core/state.ts';
import { type Fact, foldToFacts } from './facts.ts';
import { type Head, type PieceIndex, StateVersionError } from './head.ts';
import {
  decodePiece,
  encodeBase,
  encodeEntries,
  type Entry,
  type LogMove,
  PIECE_EVENTS,
} from './log.ts';

export type Repaired =
  | { readonly type: 'needsPieces'; readonly numbers: readonly number[] }
  | { readonly type: 'done'; readonly facts: readonly Fact[]; readonly log: readonly LogMove[] };

/**
 * Folds late events where they belong: from the piece of the first one forward, until the state is
 * byte for byte the base of the next piece. Changes the head; only differences become facts.
 * @param late in order, each once, newer than the log's beginning and not newer than the head
 * @throws StateVersionError where another version wrote a piece
 */
export function repair(
  id: string,
  head: Head,
  late: readonly CanonicalEvent[],
  given: ReadonlyMap<number, Uint8Array>,
  context: FoldContext,
): Repaired {
  const first = indexOfPiece(head.pieces, late[0]!);
  const was = new Map<string, string | undefined>();
  const is = new Map<string, string | undefined>();
  const log: LogMove[] = [];
  const rewritten: PieceIndex[] = [];
  let state: DeviceState | undefined;
  let next = 0;
  let last = first;
  for (; last < head.pieces.length; last++) {
    const bytes = given.get(head.pieces[last]!.number);
    // Twice as many pieces each time: a repair that goes far asks seldom.
    if (bytes === undefined) {
      const upTo = first + 2 * (last - first) + 2;
      return {
        type: 'needsPieces',
        numbers: head.pieces.slice(first, upTo).map(({ number }) => number),
      };
    }
    const { base, entries } = decodePiece(bytes);
    if (state === undefined) {
      state = decodeState(base);
      if (state === undefined) throw new StateVersionError(id);
    } else if (next === late.length && equalBytes(base, encodeState(state))) break;

    const end = head.pieces[last + 1]?.after;
    const events: CanonicalEvent[] = [];
    for (const { event, outputs } of entries) {
      for (const { key, json } of outputs) was.set(key, json);
      while (next < late.length && compareKeys(late[next]!, event) < 0) events.push(late[next++]!);
      if (next < late.length && compareKeys(late[next]!, event) === 0) next += 1;
      events.push(event);
    }
    while (next < late.length && (end === undefined || compareKeys(late[next]!, end) <= 0)) {
      events.push(late[next++]!);
    }
    const { number, after } = head.pieces[last]!;
    for (let from = 0; from < events.length; from += PIECE_EVENTS) {
      const piece: PieceIndex = {
        number: from === 0 ? number : head.nextPiece++,
        after: from === 0 ? after : keyOf(events[from - 1]!),
      };
      const before = encodeState(state).slice();
      const made: Entry[] = [];
      for (const event of events.slice(from, from + PIECE_EVENTS)) {
        const outputs = foldToFacts(id, state, event, context);
        for (const { key, json } of outputs) is.set(key, json);
        made.push({ event, outputs });
      }
      const content = joinBytes(encodeBase(before), encodeEntries(made));
      log.push({ type: 'put', number: piece.number, bytes: content });
      rewritten.push(piece);
      if (last === head.pieces.length - 1) head.newestEvents = made.length;
    }
  }
  if (last === head.pieces.length) head.state = state!;
  head.pieces.splice(first, last - first, ...rewritten);
  return { type: 'done', facts: difference(was, is), log };
}

/** What is decided now and was not, and tombstones for what was decided and is not. */
function difference(
  was: ReadonlyMap<string, string | undefined>,
  is: ReadonlyMap<string, string | undefined>,
): Fact[] {
  const facts: Fact[] = [];
  for (const [key, json] of is) if (was.get(key) !== json) facts.push({ key, json });
  for (const key of was.keys()) if (!is.has(key)) facts.push({ key, json: undefined });
  return facts;
}

function indexOfPiece(pieces: readonly PieceIndex[], event: CanonicalEvent): number {
  let index = pieces.length - 1;
  while (index > 0 && compareKeys(event, pieces[index]!.after!) <= 0) index -= 1;
  return index;
}

function keyOf({ atMs, digest }: CanonicalEvent) {
  return { atMs, digest };
}

function joinBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
