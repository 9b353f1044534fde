import type { Choice, Order } from '../../core/stats/choose.ts';
import type { Figure } from '../../core/stats/figure.ts';
import { isQuantity } from '../../core/stats/figure.ts';
import type { Grouping } from '../../core/stats/grouping.ts';
import { isOfPolicies } from '../../store/read/stats/question.ts';
import type { StatsQuestion } from '../../store/read/stats/question.ts';
import { createError } from '../errors.ts';
import type {
  QueryTripStatsArgs,
  TripStatsDimension,
  TripStatsMeasure,
  TripStatistic,
} from '../generated/schema.ts';
import { GROUPS_SHOWN } from '../limits.ts';

const MAX_GROUPINGS = 4;
const MAX_FILTERS = 5;
const MAX_VALUES = 100;
const MAX_NAME = 100;
const MAX_CONDITIONS = 10;
/** A transaction in progress may still change what was known within this time. */
const SETTLED_MS = 60_000;

/** The validated arguments of `tripStats`. */
export interface StatsRequest {
  readonly question: StatsQuestion;
  readonly choice: Choice;
  readonly first: number;
}

/** @throws BAD_USER_INPUT for arguments without an answer */
export function toStatsRequest(args: QueryTripStatsArgs, nowMs: number): StatsRequest {
  const { filter, knownAt } = args;
  const groupBy = (args.groupBy ?? []).map(toGrouping);
  const where = (filter?.where ?? []).map((one) => ({
    ...toGrouping(one),
    values: one.values.map((value) => value ?? null),
  }));
  atMost('groupBy', groupBy.length, MAX_GROUPINGS);
  atMost('filter.where', where.length, MAX_FILTERS);
  if (new Set(groupBy.map(({ by, name }) => `${by} ${name}`)).size < groupBy.length) {
    throw createError('BAD_USER_INPUT', 'groupBy repeats a dimension.');
  }
  for (const { values, by } of where) {
    if (values.length < 1 || values.length > MAX_VALUES) {
      throw createError(
        'BAD_USER_INPUT',
        `filter.where has ${values.length} values of ${by}; it must have from 1 to ${MAX_VALUES}.`,
      );
    }
  }
  if (filter?.from != null && filter.to != null && filter.from >= filter.to) {
    throw createError(
      'BAD_USER_INPUT',
      `to is ${filter.to}; it must lie after from, ${filter.from}.`,
    );
  }
  const first = args.first ?? GROUPS_SHOWN.usual;
  if (first < 0 || first > GROUPS_SHOWN.most) {
    throw createError(
      'BAD_USER_INPUT',
      `first is ${first}; it must be from 0 to ${GROUPS_SHOWN.most}.`,
    );
  }
  if (knownAt != null) {
    checkKnownAt(knownAt, nowMs, [...groupBy, ...where]);
  }
  return {
    question: {
      groupBy,
      where,
      ...(filter?.from == null ? {} : { from: filter.from }),
      ...(filter?.to == null ? {} : { to: filter.to }),
      ...(filter?.deviceId == null ? {} : { deviceId: filter.deviceId }),
      ...(filter?.driverExternalId == null ? {} : { driverExternalId: filter.driverExternalId }),
      ...(knownAt == null ? {} : { knownAtMs: knownAt }),
    },
    choice: toChoice(args),
    first,
  };
}

function toChoice({ having, orderBy }: QueryTripStatsArgs): Choice {
  atMost('having', having?.length ?? 0, MAX_CONDITIONS);
  atMost('orderBy', orderBy?.length ?? 0, MAX_CONDITIONS);
  return {
    having: (having ?? []).map(({ of, statistic, percent, atLeast, atMost: most }) => ({
      ...toFigure(of, statistic, percent),
      ...(atLeast == null ? {} : { atLeast }),
      ...(most == null ? {} : { atMost: most }),
    })),
    orderBy: (orderBy ?? []).map(({ of, statistic, percent, direction }): Order => ({
      ...toFigure(of, statistic, percent),
      descending: direction === 'DESC',
    })),
  };
}

function toGrouping({
  by,
  name,
}: {
  readonly by: TripStatsDimension;
  readonly name?: string | null | undefined;
}): Grouping {
  const named = by === 'VEHICLE_ATTRIBUTE' || by === 'RATING_FACT';
  if (named !== (name != null)) {
    throw createError(
      'BAD_USER_INPUT',
      named ? `Name which one: { by: ${by}, name: "…" }.` : `${by} has no name.`,
    );
  }
  if (name == null) return { by };
  if (name === '' || name.length > MAX_NAME) {
    throw createError(
      'BAD_USER_INPUT',
      `The name of ${by} has ${name.length} characters; it must have from 1 to ${MAX_NAME}.`,
    );
  }
  return { by, name };
}

function toFigure(
  of: TripStatsMeasure,
  statistic: TripStatistic = 'SUM',
  percent: number | null | undefined,
): Figure {
  const isRate = statistic === 'PER_100_KM' || statistic === 'PER_HOUR';
  const has = isQuantity(of) ? !isRate : statistic === 'SUM' || (isRate && of !== 'DRIVERS');
  if (!has) throw createError('BAD_USER_INPUT', `${statistic} is not available for ${of}.`);
  if ((statistic === 'PERCENTILE') !== (percent != null)) {
    throw createError('BAD_USER_INPUT', 'Give percent with PERCENTILE, and only with it.');
  }
  return percent == null ? { of, statistic } : { of, statistic, percentile: toPercentile(percent) };
}

/** Hundredths of a percent. @throws BAD_USER_INPUT */
export function toPercentile(percent: number): number {
  const hundredths = Math.round(percent * 100);
  if (hundredths < 1 || hundredths > 10_000 || Math.abs(hundredths - percent * 100) > 1e-6) {
    throw createError(
      'BAD_USER_INPUT',
      `The percentile ${percent} must be above 0, at most 100, and have two decimals at most.`,
    );
  }
  return hundredths;
}

function checkKnownAt(knownAtMs: number, nowMs: number, dimensions: readonly Grouping[]): void {
  if (knownAtMs > nowMs - SETTLED_MS) {
    throw createError(
      'BAD_USER_INPUT',
      `knownAt is ${new Date(knownAtMs).toISOString()}; it must be at least a minute ago, so that its answer never changes.`,
    );
  }
  const now = dimensions.find(isOfPolicies);
  if (now) {
    throw createError(
      'BAD_USER_INPUT',
      `${now.by} cannot be asked with knownAt: trips keep what they once said, policies and vehicles are as they are known now.`,
    );
  }
}

function atMost(name: string, given: number, most: number): void {
  if (given > most) {
    throw createError('BAD_USER_INPUT', `${name} has ${given} entries; it may have ${most}.`);
  }
}
