import { Agent, request } from 'node:http';
import { createTree } from './cpu.ts';

/** A GraphQL server that is asked, and the process of it. */
export interface Target {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** What came of asking for a while. */
export interface Load {
  /** Answers a second. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of one answer, as it was sent. */
  readonly bytes: number;
  /** Time on the processor for an answer, of the server's process; NaN where it is this process. */
  readonly serverCpuMs: number;
  /** The same of PostgreSQL's processes; NaN if they are not known. */
  readonly databaseCpuMs: number;
  /** Every answer's time, ascending. */
  readonly timesMs: readonly number[];
}

/**
 * Asks as many questions at once as there are connections, each connection the next of `bodies` as soon
 * as it has its answer.
 * @throws where an answer is not of data without errors
 */
export async function measureLoad(
  { url, pid, headers }: Pick<Target, 'url' | 'pid' | 'headers'>,
  bodies: readonly string[],
  {
    connections,
    seconds,
    databasePid,
  }: { connections: number; seconds: number; databasePid?: number },
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const tree = createTree(pid);
  const database = databasePid === undefined ? undefined : createTree(databasePid);
  const timesMs: number[] = [];
  let bytes = 0;
  let next = 0;
  const cpuBefore = tree.cpuSeconds();
  const databaseBefore = database?.cpuSeconds() ?? Number.NaN;
  const startedAtMs = performance.now();
  const endMs = startedAtMs + seconds * 1000;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < endMs) {
        const body = bodies[next++ % bodies.length] ?? '';
        const askedAtMs = performance.now();
        const answer = await post(agent, url, headers, body);
        timesMs.push(performance.now() - askedAtMs);
        bytes += answer.length;
      }
    }),
  );
  const tookS = (performance.now() - startedAtMs) / 1000;
  const cpuS = tree.cpuSeconds() - cpuBefore;
  const databaseS = (database?.cpuSeconds() ?? Number.NaN) - databaseBefore;
  agent.destroy();
  timesMs.sort((a, b) => a - b);
  return {
    perSecond: timesMs.length / tookS,
    p50Ms: quantile(timesMs, 0.5),
    p99Ms: quantile(timesMs, 0.99),
    bytes: Math.round(bytes / timesMs.length),
    databaseCpuMs: (databaseS * 1000) / timesMs.length,
    serverCpuMs: pid === process.pid ? Number.NaN : (cpuS * 1000) / timesMs.length,
    timesMs,
  };
}

/** One answer's text. @throws where it is not of data without errors */
export function post(
  agent: Agent | undefined,
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request(
      url,
      {
        method: 'POST',
        ...(agent && { agent }),
        headers: {
          ...headers,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          const answer = Buffer.concat(parts).toString();
          if (answer.startsWith('{"data":') && !answer.includes('"errors":[')) resolve(answer);
          else
            reject(new Error(`${url} answered ${answer.slice(0, 400)} to ${body.slice(0, 200)}`));
        });
        response.on('error', reject);
      },
    );
    asking.on('error', reject);
    asking.end(body);
  });
}

/** The nearest rank in ascending values. */
export function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.ceil(ascending.length * share) - 1] ?? Number.NaN;
}

/** The middle of some values, the upper one of two. */
export function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
