import type { FieldNode, GraphQLObjectType, GraphQLResolveInfo } from 'graphql';
import { getArgumentValues } from 'graphql';
import type { Choice } from '../../core/stats/choose.ts';
import type { Figure, Quantity, Statistic } from '../../core/stats/figure.ts';
import { quantities } from '../../core/stats/figure.ts';
import type { SpreadWanted, SumsWanted } from '../../store/read/stats/question.ts';
import { createError } from '../errors.ts';
import type { TripQuantityPercentilesArgs } from '../generated/schema.ts';
import { named, selectBelow } from '../selection.ts';
import { toPercentile } from './trip-stats-question.ts';

/** The quantities by their fields. */
export const QUANTITIES = {
  distanceKm: 'DISTANCE_KM',
  durationS: 'DURATION_S',
  movingS: 'MOVING_S',
  idleS: 'IDLE_S',
  nightKm: 'NIGHT_KM',
  maxSpeedKmh: 'MAX_SPEED_KMH',
} as const satisfies Readonly<Record<string, Quantity>>;
/** The kinds of driving events in the order of `rates`. */
export const KINDS = [
  'HARSH_ACCELERATION',
  'HARSH_BRAKING',
  'HARSH_CORNERING',
  'PHONE_USE',
  'SPEEDING',
] as const;
const MAX_PERCENTILES = 10;

/** What to read for an answer, and for choosing its groups. */
export interface Wanted {
  readonly sums: SumsWanted;
  readonly spread: SpreadWanted;
}

/** Derived from the fields selected below `tripStats` and from conditions and order. */
export function toWanted(
  info: GraphQLResolveInfo,
  asked: readonly FieldNode[],
  { having, orderBy }: Choice,
): Wanted {
  const groups = [...named(asked, 'rows'), ...named(asked, 'totals')];
  const below = selectBelow(info, 'TripStatsRow', groups);
  const figures: Figure[] = [...having, ...orderBy];
  if (named(below, 'rates').length > 0) figures.push({ of: KINDS[0], statistic: 'SUM' });
  for (const [field, of] of Object.entries(QUANTITIES)) {
    for (const node of selectBelow(info, 'TripQuantity', named(below, field))) {
      figures.push(...toFigures(info, node, of));
    }
  }
  const ofQuantity = (of: Quantity, ...statistics: Statistic[]) =>
    figures.filter((figure) => figure.of === of && statistics.includes(figure.statistic));
  const percentiles = quantities.flatMap((of) => {
    const asPercentiles = ofQuantity(of, 'PERCENTILE').flatMap(
      ({ percentile }) => percentile ?? [],
    );
    return asPercentiles.length === 0 ? [] : [[of, [...new Set(asPercentiles)]] as const];
  });
  return {
    sums: {
      squares: quantities.filter((of) => ofQuantity(of, 'VARIANCE').length > 0),
      events: figures.some(({ of }) => (KINDS as readonly string[]).includes(of)),
    },
    spread: {
      extremes: quantities.filter((of) => ofQuantity(of, 'MIN', 'MAX').length > 0),
      percentiles: new Map(percentiles),
    },
  };
}

/** @throws BAD_USER_INPUT for percentiles that do not exist, or too many of them */
function toFigures(info: GraphQLResolveInfo, node: FieldNode, of: Quantity): readonly Figure[] {
  switch (node.name.value) {
    case 'variance':
      return [{ of, statistic: 'VARIANCE' }];
    case 'min':
    case 'max':
      return [{ of, statistic: 'MIN' }];
    case 'percentiles': {
      const type = info.schema.getType('TripQuantity') as GraphQLObjectType;
      const field = type.getFields()['percentiles'];
      if (!field) throw new Error('TripQuantity has no percentiles');
      const { percents = [] } = getArgumentValues(
        field,
        node,
        info.variableValues,
      ) as TripQuantityPercentilesArgs;
      if (percents.length > MAX_PERCENTILES) {
        throw createError(
          'BAD_USER_INPUT',
          `percents has ${percents.length} entries; it may have ${MAX_PERCENTILES}.`,
        );
      }
      return percents.map((percent) => ({
        of,
        statistic: 'PERCENTILE',
        percentile: toPercentile(percent),
      }));
    }
    default:
      return [];
  }
}
