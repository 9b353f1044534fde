import { choose } from '../../core/stats/choose.ts';
import type { Cell } from '../../core/stats/figure.ts';
import { figureOf } from '../../core/stats/figure.ts';
import { compareGroupKeys } from '../../core/stats/grouping.ts';
import { shield } from '../../core/stats/shield.ts';
import { estimateSums } from '../../store/read/stats/estimate.ts';
import { readSpreads, spreadKey } from '../../store/read/stats/spread.ts';
import { MAX_GROUPS, readSums } from '../../store/read/stats/sums.ts';
import { enterStats } from '../access/figures.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';
import type { Resolvers } from '../generated/schema.ts';
import { selectBelow } from '../selection.ts';
import { inTurns } from '../turns.ts';
import type { QuantityOfCell, StatsAnswer, StatsGroup } from './trip-stats-answer.ts';
import type { StatsRequest } from './trip-stats-question.ts';
import { toPercentile, toStatsRequest } from './trip-stats-question.ts';
import type { Wanted } from './trip-stats-wanted.ts';
import { KINDS, QUANTITIES, toWanted } from './trip-stats-wanted.ts';

/** Rows per turn of the event loop; a row may have sixty percentiles. */
const ROWS_AT_ONCE = 20;

export const tripStats: Resolvers = {
  Query: {
    tripStats: async (_, args, context, info) => {
      const request = toStatsRequest(args, context.services.now());
      const shielded = await enterStats(context, request.question, request.choice);
      const asked = selectBelow(info, 'TripStats', info.fieldNodes);
      const wanted = toWanted(info, asked, request.choice);
      const estimate = () =>
        context.reading.run((tx) => estimateSums(tx, request.question, wanted.sums));
      if (asked.every(({ name: { value } }) => value === 'estimate' || value.startsWith('__'))) {
        return { rows: [], totals: null, groups: 0, withheld: 0, estimate };
      }
      return { ...(await answer(context, request, wanted, shielded)), estimate };
    },
  },
  TripStats: {
    rows: ({ rows }) => inTurns(rows, ROWS_AT_ONCE),
    estimate: ({ estimate }) => estimate(),
  },
  TripStatsRow: {
    key: ({ cell, groupBy }) =>
      groupBy.map(({ by, name }, at) => ({ by, name: name ?? null, value: cell.key[at] ?? null })),
    exposure: ({ cell: { trips, drivers, sums } }) => ({
      trips,
      drivers,
      distanceKm: Number(sums.DISTANCE_KM) / 1_000,
      drivingHours: Number(sums.DURATION_S) / 3_600_000,
    }),
    distanceKm: ({ cell }) => quantity(cell, 'distanceKm'),
    durationS: ({ cell }) => quantity(cell, 'durationS'),
    movingS: ({ cell }) => quantity(cell, 'movingS'),
    idleS: ({ cell }) => quantity(cell, 'idleS'),
    nightKm: ({ cell }) => quantity(cell, 'nightKm'),
    maxSpeedKmh: ({ cell }) => quantity(cell, 'maxSpeedKmh'),
    rates: ({ cell }) =>
      KINDS.map((of) => ({
        kind: of,
        count: figureOf(cell, { of, statistic: 'SUM' }) ?? 0,
        per100Km: figureOf(cell, { of, statistic: 'PER_100_KM' }),
        perHour: figureOf(cell, { of, statistic: 'PER_HOUR' }),
      })),
  },
  TripQuantity: {
    sum: ({ cell, of }) => figureOf(cell, { of, statistic: 'SUM' }) ?? 0,
    mean: ({ cell, of }) => figureOf(cell, { of, statistic: 'MEAN' }),
    variance: ({ cell, of }) => figureOf(cell, { of, statistic: 'VARIANCE' }),
    min: ({ cell, of }) => figureOf(cell, { of, statistic: 'MIN' }),
    max: ({ cell, of }) => figureOf(cell, { of, statistic: 'MAX' }),
    percentiles: ({ cell, of }, { percents }) =>
      percents.map((percent) => ({
        percent,
        value: figureOf(cell, { of, statistic: 'PERCENTILE', percentile: toPercentile(percent) }),
      })),
  },
};

function quantity(cell: Cell, field: keyof typeof QUANTITIES): QuantityOfCell {
  return { cell, of: QUANTITIES[field] };
}

/** @param shielded withhold small groups, before groups are filtered and ordered */
async function answer(
  context: Context,
  request: StatsRequest,
  wanted: Wanted,
  shielded: boolean,
): Promise<Omit<StatsAnswer, 'estimate'>> {
  const { cells, total } = await readCells(context, request, wanted);
  const { shown, totals, withheld } = shielded
    ? shield(cells, total)
    : { shown: cells, totals: total, withheld: 0 };
  const { groupBy } = request.question;
  const groups = choose(shown, groupBy, request.choice).map((cell): StatsGroup => ({
    cell,
    groupBy,
  }));
  return {
    rows: groups.slice(0, request.first),
    totals: totals === null ? null : { cell: totals, groupBy: [] },
    groups: groups.length,
    withheld,
  };
}

/** Every group and the totals. @throws COST_LIMIT_EXCEEDED if there are too many groups */
async function readCells(
  context: Context,
  { question }: StatsRequest,
  { sums, spread }: Wanted,
): Promise<{ readonly cells: readonly Cell[]; readonly total: Cell }> {
  const read = await context.reading.run((tx) => readSums(tx, question, sums));
  if (!read) {
    throw createError(
      'COST_LIMIT_EXCEEDED',
      `There are more than ${MAX_GROUPS} groups. Group more coarsely, or filter.`,
    );
  }
  const spreads =
    spread.extremes.length + spread.percentiles.size === 0
      ? undefined
      : await context.reading.run((tx) => readSpreads(tx, question, spread));
  const keyed = read.cells.map((cell) => ({
    ...cell,
    spread: spreads?.get(spreadKey(cell.key)) ?? {},
  }));
  return {
    cells: keyed.sort((a, b) => compareGroupKeys(question.groupBy, a.key, b.key)),
    total: { ...read.total, spread: spreads?.get(undefined) ?? {} },
  };
}
