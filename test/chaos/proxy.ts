import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** A TCP proxy before PostgreSQL that loses what it is told to lose. */
export interface Proxy {
  readonly port: number;
  /** Cuts every connection in both directions. */
  cut(): void;
  /** Refuses and cuts connections until `open` is called. */
  close(): void;
  open(): void;
  /** The next COMMIT reaches the server, or not, and its connection is cut in place of an answer. */
  loseNextCommit(when: 'before' | 'after'): void;
  /** COMMITs that were lost so. */
  lostCommits(): number;
  end(): Promise<void>;
}

const COMMIT = Buffer.from('COMMIT\0');

export async function startProxy(target: { host: string; port: number }): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isClosed = false;
  let losing: 'before' | 'after' | undefined;
  let lost = 0;
  const cutPair = (pair: readonly [Socket, Socket]) => {
    pairs.delete(pair);
    pair.forEach((socket) => socket.destroy());
  };
  const server = createServer((client) => {
    if (isClosed) {
      client.destroy();
      return;
    }
    const upstream = connect(target);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    let isMute = false;
    client.on('data', (data) => {
      if (losing === undefined || !data.includes(COMMIT)) {
        upstream.write(data);
        return;
      }
      lost += 1;
      const when = losing;
      losing = undefined;
      if (when === 'before') cutPair(pair);
      else {
        isMute = true;
        upstream.write(data);
      }
    });
    upstream.on('data', (data) => {
      // The answer to the COMMIT: by now it is done.
      if (isMute) cutPair(pair);
      else client.write(data);
    });
    for (const socket of pair) {
      socket.on('error', () => cutPair(pair));
      socket.on('close', () => cutPair(pair));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => [...pairs].forEach(cutPair);
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    close() {
      isClosed = true;
      cut();
    },
    open() {
      isClosed = false;
    },
    loseNextCommit(when) {
      losing = when;
    },
    lostCommits: () => lost,
    async end() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
