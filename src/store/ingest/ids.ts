import type { Store } from '../open.ts';

/** Trip handles taken at once; what `trip_handle_block` steps by. */
const BLOCK = 1024;

export interface IdBlocks {
  /** Makes sure that `next` can be called this many times. */
  reserve(count: number): Promise<void>;
  /** A fresh id; gaps are possible. */
  next(): number;
}

/** Allocates trip handles in blocks, without one database query per handle. */
export function createIdBlocks({ prisma }: Store): IdBlocks {
  const blocks: { next: number; left: number }[] = [];
  return {
    async reserve(count) {
      const missing = count - blocks.reduce((sum, block) => sum + block.left, 0);
      if (missing <= 0) return;
      const rows = await prisma.$queryRaw<{ start: bigint }[]>`
        select nextval('trip_handle_block') as start from generate_series(1, ${Math.ceil(missing / BLOCK)}::int)`;
      blocks.push(...rows.map((row) => ({ next: Number(row.start), left: BLOCK })));
    },
    next() {
      const block = blocks[0];
      if (!block) throw new Error('next() was called more often than reserve() allowed');
      block.left -= 1;
      if (block.left === 0) blocks.shift();
      return block.next++;
    },
  };
}
