import { describe, expect, it } from 'vitest';
import { createGate } from '../../src/api/gate.ts';

describe('the gate', () => {
  it('admits a fixed number at once and the others in order of arrival', async () => {
    const gate = createGate({ places: 2, queue: 10, waitMs: 5_000 });
    const entered: number[] = [];
    const leaves: (() => void)[] = [];
    const all = [0, 1, 2, 3].map(async (n) => {
      leaves.push(await gate.acquire());
      entered.push(n);
    });
    await Promise.all(all.slice(0, 2));
    expect(entered).toEqual([0, 1]);
    leaves[0]?.();
    leaves[0]?.(); // A turn is given back once.
    await all[2];
    expect(entered).toEqual([0, 1, 2]);
    leaves[1]?.();
    await all[3];
    expect(entered).toEqual([0, 1, 2, 3]);
  });

  it('rejects when the queue is full or the wait is too long, and says when to retry', async () => {
    const gate = createGate({ places: 1, queue: 1, waitMs: 50 });
    const leave = await gate.acquire();
    const waits = gate.acquire();
    const refused = { extensions: { code: 'RATE_LIMITED', retryAfterS: 1 } };
    await expect(gate.acquire()).rejects.toMatchObject(refused);
    await expect(waits).rejects.toMatchObject(refused);
    leave();
    await expect(gate.acquire()).resolves.toBeTypeOf('function');
  });

  it('frees the place of a client that disconnected', async () => {
    const gate = createGate({ places: 1, queue: 1, waitMs: 60_000 });
    const leave = await gate.acquire();
    const gone = new AbortController();
    const waits = gate.acquire(gone.signal);
    await expect(gate.acquire()).rejects.toThrow('are running');
    gone.abort();
    await expect(waits).rejects.toThrow('are running');
    await expect(gate.acquire(gone.signal)).rejects.toThrow('are running');
    const next = gate.acquire();
    leave();
    await expect(next).resolves.toBeTypeOf('function');
  });
});
