import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Releases a long list's items in portions, one per turn of the event loop, so that other requests are
 * served while the fields below the items are resolved.
 */
export function inTurns<Item>(items: readonly Item[], atOnce: number): Promise<Item>[] {
  let turn = Promise.resolve();
  return items.map((item, at) => {
    if (at > 0 && at % atOnce === 0) turn = turn.then(() => nextTurn());
    return turn.then(() => item);
  });
}
