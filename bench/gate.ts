/**
 * What apps notice of the heaviest questions that an actuary may ask:
 *
 *   npm run bench:gate -- [--trips 1000000] [--rounds 5] [--seconds 20] [--per-second 20] [--heavy 20] [--data DIR]
 *
 * Apps ask at an even rate for 20 trips of a driver and for the habits of his 30 days, timed from the instant at which each
 * question was due. In each round they are first alone and then beside as many actuaries as --heavy
 * says, each of whom asks for percentiles of single trips by rating facts and hours, at the highest
 * cost that is let in, and again as soon as the answer is there, or a second after a refusal. An
 * actuary's usual rate limit holds, apps have none. It ends with 1 where the median over the rounds
 * of p99 beside by p99 alone is above 3. With --data the filled database is kept and used again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fillDriving } from './fill-driving.ts';
import { fillTrips } from './fill-trips.ts';
import { measureLoad, medianOf } from './load.ts';
import type { Asking, Paced } from './paced.ts';
import { measurePaced } from './paced.ts';
import { authorize, openFilledStore } from './served.ts';
import { SHAPES } from './shapes.ts';

const { values: args } = parseArgs({
  options: {
    trips: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '20' },
    'per-second': { type: 'string', default: '20' },
    heavy: { type: 'string', default: '20' },
    data: { type: 'string' },
  },
});
const PROMISED_RATIO = 3;
const ANSWERED = 'answered';
const AFTER_REFUSAL_MS = 1_000;
const WARMING = { connections: 4, seconds: 5 };
/** Long enough that the heavy questions are under way. */
const LEAD_MS = 2_000;
/** As src/config.ts has it where nobody says otherwise. */
const ACTUARY_POINTS = 6_000;

const QUANTITIES = ['distanceKm', 'durationS', 'movingS', 'idleS', 'nightKm', 'maxSpeedKmh'];
/** Each value of the ten percentiles takes an order of its own of every trip. */
const PERCENTILES = `{ percentiles(percents: [1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9]) { value } }`;
const HEAVIEST = `{
  tripStats(
    groupBy: [{ by: HOUR_OF_DAY }, { by: TERRITORY }, { by: VEHICLE_ATTRIBUTE, name: "fuel" }]
    first: 1000
  ) {
    rows {
      key { value }
      exposure { trips drivers distanceKm }
      ${QUANTITIES.map((quantity) => `${quantity} ${PERCENTILES}`).join(' ')}
      rates { kind per100Km }
    }
    totals { exposure { trips } }
  }
}`;

interface Round {
  readonly alone: Paced;
  readonly beside: Paced;
  /** What came of the heavy questions, by how they ended. */
  readonly heavy: ReadonlyMap<string, number>;
}

const store = await openFilledStore(args.data, async (owner) => {
  await fillTrips(owner, Number(args.trips));
  await fillDriving(owner);
});
try {
  const api = await store.serve({ settings: { RATE_LIMITS: `ACTUARY=${ACTUARY_POINTS}` } });
  try {
    const apps = { url: api.url, headers: await authorize({ role: 'INSURER' }) };
    const bodies = await writeBodies();
    const actuaries = await Promise.all(
      Array.from({ length: Number(args.heavy) }, async (_, i) => ({
        url: api.url,
        headers: await authorize({ role: 'ACTUARY', microdata: true, sub: `actuary ${i}` }),
      })),
    );
    const pace = { perSecond: Number(args['per-second']), seconds: Number(args.seconds) };
    await measureLoad({ ...apps, pid: api.pid }, bodies, WARMING);
    console.log(
      '| round | alone p50 ms | p99 ms | failed | beside p50 ms | p99 ms | failed | ratio of p99 | heavy questions |\n|---|---:|---:|---:|---:|---:|---:|---:|---|',
    );
    const ratios: number[] = [];
    for (let round = 1; round <= Number(args.rounds); round++) {
      const { alone, beside, heavy } = await measureRound(apps, bodies, pace, actuaries);
      ratios.push(beside.p99Ms / alone.p99Ms);
      const ended = [...heavy].map(([how, times]) => `${times} ${how}`).join('; ');
      console.log(
        `| ${round} | ${show(alone)} | ${show(beside)} | ${ratios.at(-1)?.toFixed(2)} | ${ended} |`,
      );
    }
    const ratio = medianOf(ratios);
    console.log(`median of the ratios of p99: ${ratio.toFixed(2)}, promised ${PROMISED_RATIO}`);
    if (!(ratio <= PROMISED_RATIO)) process.exitCode = 1;
  } finally {
    await api.stop();
  }
} finally {
  await store.stop();
}

/** What apps ask, in turn: of another driver each time. */
async function writeBodies(): Promise<readonly string[]> {
  const { rows } = await store.owner.query<{ n: number }>('select count(*)::int as n from driver');
  const drivers = rows[0]?.n ?? 0;
  return Array.from({ length: 1_000 }, (_, i) => {
    const { query, ours } = SHAPES[i % 2 === 0 ? 'q1' : 'q2']!;
    // A stride that shares no factor with their number meets every driver before it meets one again.
    return JSON.stringify({ query, variables: ours(1 + ((i * 7919) % drivers), []) });
  });
}

async function measureRound(
  apps: Asking,
  bodies: readonly string[],
  pace: { readonly perSecond: number; readonly seconds: number },
  actuaries: readonly Asking[],
): Promise<Round> {
  const alone = await measurePaced(apps, bodies, pace);
  const heavy = new Map<string, number>();
  let over = false;
  const asking = actuaries.map(async (actuary) => {
    while (!over) {
      const ending = await askHeavy(actuary);
      heavy.set(ending, (heavy.get(ending) ?? 0) + 1);
      if (ending !== ANSWERED) await sleep(AFTER_REFUSAL_MS);
    }
  });
  await sleep(LEAD_MS);
  const beside = await measurePaced(apps, bodies, pace);
  over = true;
  await Promise.all(asking);
  return { alone, beside, heavy };
}

/** How one heavy question ended: that it was answered, or the error's message. */
async function askHeavy({ url, headers }: Asking): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ query: HEAVIEST }),
  });
  const { errors } = (await response.json()) as {
    errors?: readonly {
      readonly message: string;
      readonly extensions: { readonly code: string };
    }[];
  };
  const [error] = errors ?? [];
  return error ? `${error.extensions.code}: ${error.message}` : ANSWERED;
}

function show({ p50Ms, p99Ms, failed }: Paced): string {
  return `${p50Ms.toFixed(1)} | ${p99Ms.toFixed(1)} | ${failed}`;
}
