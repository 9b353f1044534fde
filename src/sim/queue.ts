/** A priority queue: least item first; equal items in the order in which they were added. */
export interface PriorityQueue<T> {
  readonly add: (item: T) => void;
  /** The least item, without removing it. */
  readonly first: () => T | undefined;
  /** Removes and returns the least item. */
  readonly take: () => T | undefined;
}

/** A binary heap. @param compare negative where the first comes before the second. */
export function createPriorityQueue<T>(compare: (a: T, b: T) => number): PriorityQueue<T> {
  const heap: { item: T; number: number }[] = [];
  let added = 0;
  const before = (i: number, j: number) => {
    const a = heap[i] as { item: T; number: number };
    const b = heap[j] as { item: T; number: number };
    return (compare(a.item, b.item) || a.number - b.number) < 0;
  };
  const swap = (i: number, j: number) => {
    [heap[i], heap[j]] = [heap[j] as (typeof heap)[0], heap[i] as (typeof heap)[0]];
  };
  return {
    add: (item) => {
      heap.push({ item, number: added++ });
      for (let i = heap.length - 1; i > 0;) {
        const parent = (i - 1) >> 1;
        if (!before(i, parent)) break;
        swap(i, parent);
        i = parent;
      }
    },
    first: () => heap[0]?.item,
    take: () => {
      const least = heap[0];
      const last = heap.pop();
      if (!least || !last || heap.length === 0) return least?.item;
      heap[0] = last;
      for (let i = 0; ;) {
        let smallest = i;
        for (const child of [2 * i + 1, 2 * i + 2]) {
          if (child < heap.length && before(child, smallest)) smallest = child;
        }
        if (smallest === i) break;
        swap(i, smallest);
        i = smallest;
      }
      return least.item;
    },
  };
}
