import { describe, expect, it } from 'vitest';
import type { EventKey } from '../../src/core/event.ts';
import type { TripSpan } from '../../src/core/handles.ts';
import { chooseHandles } from '../../src/core/handles.ts';

const key = (atMs: number): EventKey => ({ atMs, digest: 0 });
const span = (from: number, to: number): TripSpan => ({ anchor: key(from), last: key(to) });
const live = (id: number, from: number, to: number) => ({ id, ...span(from, to) });
const handle = (id: number, at: number) => ({ id, anchor: key(at) });

/** One event at each whole number. */
const countShared = (a: TripSpan, b: TripSpan) =>
  Math.max(0, Math.min(a.last.atMs, b.last.atMs) - Math.max(a.anchor.atMs, b.anchor.atMs) + 1);

describe('the id of a trip after a refold', () => {
  it('stays if the trip only gained or lost events', () => {
    expect(chooseHandles([span(10, 25)], [live(1, 10, 20)], [], countShared)).toEqual([
      { id: 1, moved: false },
    ]);
  });

  it('stays, with its anchor moved, if an earlier event now opens the trip', () => {
    expect(chooseHandles([span(5, 20)], [live(1, 10, 20)], [], countShared)).toEqual([
      { id: 1, moved: true },
    ]);
  });

  it('is the earliest live id if two trips became one, in whatever order they are given', () => {
    const old = [live(2, 30, 40), live(1, 10, 20)];
    expect(chooseHandles([span(10, 40)], old, [], countShared)).toEqual([{ id: 1, moved: false }]);
  });

  it('stays with the part that holds its anchor if a trip was split, and the other part gets a new id', () => {
    expect(chooseHandles([span(10, 20), span(30, 40)], [live(1, 10, 40)], [], countShared)).toEqual(
      [
        { id: 1, moved: false },
        { id: undefined, moved: false },
      ],
    );
  });

  it('is the live id that shares the most events if none is anchored in the trip', () => {
    const old = [live(1, 1, 12), live(2, 2, 40), live(3, 3, 15)];
    expect(chooseHandles([span(10, 30)], old, [], countShared)).toEqual([{ id: 2, moved: true }]);
  });

  it('is new if no event is shared', () => {
    expect(chooseHandles([span(50, 60)], [live(1, 10, 20)], [], countShared)).toEqual([
      { id: undefined, moved: false },
    ]);
  });

  it('is the earliest spare id anchored in the trip if no live id is left', () => {
    const spare = [handle(8, 32), handle(7, 31), handle(6, 99)];
    expect(chooseHandles([span(30, 40)], [], spare, countShared)).toEqual([{ id: 7, moved: true }]);
  });

  it('is never given to two trips', () => {
    const choices = chooseHandles(
      [span(10, 20), span(21, 30), span(31, 40)],
      [live(1, 10, 40)],
      [handle(2, 10), handle(3, 40)],
      countShared,
    );
    expect(choices.map((choice) => choice.id)).toEqual([1, undefined, 3]);
  });

  it('is the lower one if two handles have the same anchor', () => {
    expect(chooseHandles([span(10, 20)], [], [handle(5, 10), handle(4, 10)], countShared)).toEqual([
      { id: 4, moved: false },
    ]);
  });
});
