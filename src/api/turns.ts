import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * The items of a long list, so many at once: what is below them is worked out in turns of the event
 * loop, and other requests are served between these.
 */
export function inTurns<Item>(items: readonly Item[], atOnce: number): Promise<Item>[] {
  let turn = Promise.resolve();
  return items.map((item, at) => {
    if (at > 0 && at % atOnce === 0) turn = turn.then(() => nextTurn());
    return turn.then(() => item);
  });
}
