import type { Choice } from '../../core/stats/choose.ts';
import type { StatsQuestion } from '../../store/read/stats/question.ts';
import { writeAccessLog } from '../../store/write/access-log.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';
import type { Identity } from '../identity.ts';
import { toReader } from '../identity.ts';
import type { Audience } from './places.ts';
import { isAmong } from './roles.ts';

const EXPORTERS: readonly Audience[] = ['INSURER', 'MICRODATA'];

/** Before an actuary reads rows: filters must not name a device or driver, and the read is logged. */
export async function enterMicrodata(
  context: Context,
  field: string,
  criteria: { readonly deviceId?: unknown; readonly driverExternalId?: unknown },
): Promise<void> {
  const { role, tenant, subject } = context.identity;
  if (role !== 'ACTUARY') return;
  refuseNames(field, criteria);
  await writeAccessLog(context.services.store, {
    tenant,
    role,
    subject,
    purpose: 'microdata',
    object: field,
    requestId: context.requestId,
  });
}

/**
 * Checks a query for figures, and logs it for an actuary, who may not filter or group by driver or device.
 * An actuary without microdata may not single out trips by hour or extremes either, and may ask once per
 * operation, because two differently cut answers would reveal what each withholds.
 *
 * @returns whether small groups are withheld from the answer
 * @throws FORBIDDEN
 */
export async function enterStats(
  context: Context,
  question: StatsQuestion,
  { having, orderBy }: Choice,
): Promise<boolean> {
  const { role, tenant, subject, microdata } = context.identity;
  if (role !== 'ACTUARY') return false;
  const forbid = (what: string, whom: string) =>
    createError('FORBIDDEN', `tripStats ${what} is not available to ${whom}.`);
  if (
    question.deviceId !== undefined ||
    question.driverExternalId !== undefined ||
    [...question.groupBy, ...question.where].some(({ by }) => by === 'DRIVER')
  ) {
    throw forbid('by device or driver', 'the role ACTUARY');
  }
  if (!microdata) {
    const aggregates = 'the role ACTUARY without the claim microdata';
    if (question.where.some(({ by }) => by === 'HOUR_OF_DAY')) {
      throw forbid('of some hours of the day only', aggregates);
    }
    if ([...having, ...orderBy].some(({ statistic }) => /^(MIN|MAX)$/.test(statistic))) {
      throw forbid('by the least or greatest trip', aggregates);
    }
    if (context.aggregated.size > 0) throw forbid('twice in one operation', aggregates);
    context.aggregated.add('tripStats');
  }
  await writeAccessLog(context.services.store, {
    tenant,
    role,
    subject,
    purpose: microdata ? 'microdata' : 'aggregates',
    object: `Query.tripStats ${JSON.stringify(question)}`,
    requestId: context.requestId,
  });
  return !microdata;
}

/** Adds the caller's own driver to a filter: row-level security alone would still let a driver probe a list. */
export function narrow<Criteria extends { readonly driverExternalId?: string }>(
  identity: Identity,
  criteria: Criteria,
): Criteria {
  const { driver } = toReader(identity);
  return driver === null ? criteria : { driverExternalId: driver, ...criteria };
}

function refuseNames(
  what: string,
  criteria: { readonly deviceId?: unknown; readonly driverExternalId?: unknown },
): void {
  if (criteria.deviceId !== undefined || criteria.driverExternalId !== undefined) {
    throw createError(
      'FORBIDDEN',
      `${what} by device or driver is not available to the role ACTUARY.`,
    );
  }
}

/** Checks that a caller may export files of rows; an actuary may not filter by name. @throws FORBIDDEN */
export function checkExport(
  identity: Identity,
  criteria: { readonly deviceId?: unknown; readonly driverExternalId?: unknown },
): void {
  if (!isAmong(identity, EXPORTERS)) {
    throw createError(
      'FORBIDDEN',
      `Only INSURER, or ACTUARY with the claim microdata, may export; this token has role ${identity.role}.`,
    );
  }
  if (identity.role === 'ACTUARY') refuseNames('An export', criteria);
}
