import { connect } from 'node:net';

/** Kafka's Metadata request, version 2, without topics: https://kafka.apache.org/protocol#The_Messages_Metadata */
const METADATA_REQUEST = Buffer.from([
  ...[0, 0, 0, 14], // length
  ...[0, 3, 0, 2], // api key 3, version 2
  ...[0, 0, 0, 1], // correlation id
  ...[0xff, 0xff], // no client id
  ...[0, 0, 0, 0], // no topics
]);

/**
 * Asks a broker for its cluster id; it answers only when it has joined the cluster.
 * @returns undefined when there is no complete answer in time.
 */
export function askClusterId(
  host: string,
  port: number,
  timeoutMs: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let answer = Buffer.alloc(0);
    const finish = (id: string | undefined) => {
      socket.destroy();
      resolve(id);
    };
    socket.setTimeout(timeoutMs, () => finish(undefined));
    socket.once('error', () => finish(undefined));
    socket.once('close', () => finish(undefined));
    socket.once('connect', () => socket.write(METADATA_REQUEST));
    socket.on('data', (part: Buffer) => {
      answer = Buffer.concat([answer, part]);
      if (answer.length >= 4 && answer.length >= 4 + answer.readInt32BE(0))
        finish(readClusterId(answer));
    });
  });
}

function readClusterId(answer: Buffer): string | undefined {
  let at = 8; // length, correlation id
  const readText = (): string | undefined => {
    const length = answer.readInt16BE(at);
    at += 2 + Math.max(length, 0);
    return length < 0 ? undefined : answer.toString('utf8', at - length, at);
  };
  try {
    const brokers = answer.readInt32BE(at);
    at += 4;
    for (let i = 0; i < brokers; i++) {
      at += 4; // node id
      readText();
      at += 4; // port
      readText();
    }
    return brokers > 0 ? readText() : undefined;
  } catch {
    return undefined; // not an answer of Kafka
  }
}
