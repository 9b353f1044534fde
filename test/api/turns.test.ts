import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { inTurns } from '../../src/api/turns.ts';

it('a long list resolves in order, a fixed number of items per turn of the event loop', async () => {
  const seen: number[] = [];
  const turns: number[][] = [];
  const items = Promise.all(
    inTurns([1, 2, 3, 4, 5], 2).map((item) => item.then((n) => void seen.push(n))),
  );
  for (let turn = 0; turn < 10; turn++) {
    await nextTurn();
    turns.push(seen.splice(0));
  }
  await items;
  expect(turns.filter((turn) => turn.length > 0)).toEqual([[1, 2], [3, 4], [5]]);
});
