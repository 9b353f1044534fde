import type { GraphQLField, GraphQLFieldResolver, GraphQLObjectType, GraphQLSchema } from 'graphql';
import { defaultFieldResolver, getNamedType, isNonNullType, isObjectType } from 'graphql';
import type { Choice } from '../core/stats/choose.ts';
import type { StatsQuestion } from '../store/read/stats/question.ts';
import { writeAccessLog } from '../store/write/access-log.ts';
import type { Context } from './context.ts';
import { createError } from './errors.ts';
import type { Role } from './generated/schema.ts';
import type { Identity } from './identity.ts';
import { toReader } from './identity.ts';

/** A role, or ACTUARY with the claim `microdata`. */
export type Asker = Role | 'MICRODATA';

const EVERYBODY: readonly Asker[] = ['DRIVER', 'INSURER', 'ACTUARY', 'CLAIMS', 'OPERATOR'];
const TRIP_READERS: readonly Asker[] = ['DRIVER', 'INSURER', 'CLAIMS', 'OPERATOR', 'MICRODATA'];
const EXPORTERS: readonly Asker[] = ['INSURER', 'MICRODATA'];
const KNOW_WHO: readonly Asker[] = ['DRIVER', 'INSURER', 'CLAIMS'];

/**
 * Who may ask what. Every field of Query, Mutation and Subscription stands here; of other types only
 * the fields that not everybody may see who got hold of the object. Which objects somebody gets hold
 * of at all (his tenant's, his own) is decided by the walls in PostgreSQL.
 */
const WHO: Readonly<Record<string, readonly Asker[]>> = {
  'Query.viewer': EVERYBODY,
  'Query.node': EVERYBODY,
  'Query.nodes': EVERYBODY,
  'Query._service': EVERYBODY,
  'Query._entities': EVERYBODY,
  'Query.driver': KNOW_WHO,
  'Query.drivers': ['INSURER'],
  'Query.device': ['DRIVER', 'INSURER', 'CLAIMS', 'OPERATOR'],
  'Query.devices': ['DRIVER', 'INSURER', 'OPERATOR'],
  'Query.policy': ['DRIVER', 'INSURER'],
  'Query.policies': ['DRIVER', 'INSURER'],
  'Query.bill': ['DRIVER', 'INSURER'],
  'Query.tariff': ['INSURER', 'ACTUARY'],
  'Query.tariffs': ['INSURER', 'ACTUARY'],
  'Query.trips': TRIP_READERS,
  'Query.drivingEvents': TRIP_READERS,
  'Query.tripStats': ['INSURER', 'ACTUARY'],
  'Query.premium': ['DRIVER', 'INSURER'],
  'Query.whatIf': ['INSURER', 'ACTUARY'],
  'Mutation.registerDriver': ['INSURER'],
  'Mutation.assignDevice': ['INSURER'],
  'Mutation.moveDevice': ['OPERATOR'],
  'Mutation.createPolicy': ['INSURER'],
  'Mutation.amendPolicy': ['INSURER'],
  'Mutation.cancelPolicy': ['INSURER'],
  'Mutation.issueBill': ['INSURER'],
  'Mutation.recalculateBill': ['INSURER'],
  'Mutation.adjustBills': ['INSURER'],
  'Mutation.creditBill': ['INSURER'],
  'Mutation.disputeTrip': ['DRIVER', 'INSURER'],
  'Mutation.settleDispute': ['INSURER'],
  'Mutation.createTariffDraft': ['ACTUARY'],
  'Mutation.activateTariff': ['INSURER'],
  'Mutation.retireTariff': ['INSURER'],
  'Subscription.telemetry': ['DRIVER', 'OPERATOR'],
  'Subscription.whatIfProgress': ['INSURER', 'ACTUARY'],
  'Subscription.tripUpdates': ['DRIVER', 'INSURER', 'CLAIMS', 'OPERATOR'],
  'Subscription.drivingEventAdded': ['DRIVER', 'INSURER', 'CLAIMS', 'OPERATOR'],
  'Subscription.habitsUpdated': ['DRIVER', 'INSURER'],
  'Subscription.premiumUpdated': ['DRIVER', 'INSURER'],
  'Driver.habits': ['DRIVER', 'INSURER'],
  'Driver.score': ['DRIVER', 'INSURER'],
  'Driver.longDriving': ['DRIVER', 'INSURER'],
  'Driver.policies': ['DRIVER', 'INSURER'],
  'Policy.amendments': ['INSURER'],
  'Device.assignments': ['DRIVER', 'INSURER'],
  'Device.tenancies': ['INSURER', 'OPERATOR'],
  'Trip.deviceId': ['DRIVER', 'INSURER', 'CLAIMS', 'OPERATOR'],
  'Trip.driver': KNOW_WHO,
  'Trip.vehicle': KNOW_WHO,
  'Tariff.document': ['INSURER', 'ACTUARY'],
  'TripQuantity.min': ['INSURER', 'MICRODATA'],
  'TripQuantity.max': ['INSURER', 'MICRODATA'],
};

/** Which objects may be fetched by id: those of whom the named field tells. */
const NODES: Readonly<Record<string, string>> = {
  Trip: 'Query.trips',
  DrivingEvent: 'Query.drivingEvents',
  Driver: 'Query.driver',
  Device: 'Query.device',
  Vehicle: 'Trip.vehicle',
  Policy: 'Query.policy',
  Tariff: 'Query.tariff',
  Bill: 'Query.bill',
  BillAdjustment: 'Query.bill',
  CreditNote: 'Query.bill',
  Dispute: 'Query.policy',
};

/**
 * Where somebody was, and who sees it when. `showPosition`, `showTelemetry` and `showPath` below
 * decide it place by place.
 */
const PLACES: Readonly<Record<string, Readonly<Partial<Record<Asker, string>>>>> = {
  'Trip.start': { DRIVER: 'own', OPERATOR: 'unassigned' },
  'Trip.end': { DRIVER: 'own', OPERATOR: 'unassigned' },
  'Trip.path': { DRIVER: 'own', CLAIMS: 'purpose', OPERATOR: 'unassigned' },
  'DrivingEvent.position': { DRIVER: 'own', OPERATOR: 'unassigned' },
  'TelemetryMessage.lat': { DRIVER: 'own', OPERATOR: 'unassigned' },
  'TelemetryMessage.lon': { DRIVER: 'own', OPERATOR: 'unassigned' },
};
const PLACE_TYPES: readonly string[] = ['Position', 'PathPoint'];

/** Who may ask a field, in words: `yes`, or when; an asker who may not is missing. */
export interface Access {
  readonly coordinate: string;
  readonly who: Readonly<Partial<Record<Asker, string>>>;
}

/** Every field that not everybody may see who got hold of its object, in the order of the schema. */
export function listAccess(schema: GraphQLSchema): readonly Access[] {
  return listFields(schema).flatMap(({ coordinate }) => {
    const askers = WHO[coordinate];
    if (!askers) return coordinate in PLACES ? [{ coordinate, who: PLACES[coordinate] ?? {} }] : [];
    const all = askers.includes('ACTUARY') ? [...askers, 'MICRODATA'] : askers;
    return [{ coordinate, who: Object.fromEntries(all.map((asker) => [asker, 'yes'])) }];
  });
}

function listFields(schema: GraphQLSchema) {
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter(({ name }) => !name.startsWith('__'))
    .flatMap((type) =>
      Object.values(type.getFields()).map((field) => ({
        type,
        field,
        coordinate: `${type.name}.${field.name}`,
      })),
    );
}

/** Puts the table above in front of every field that it names, in place. */
export function guardSchema(schema: GraphQLSchema): GraphQLSchema {
  const unused = new Set([...Object.keys(WHO), ...Object.keys(PLACES)]);
  for (const { type, field, coordinate } of listFields(schema)) {
    if (coordinate in PLACES) {
      unused.delete(coordinate);
    } else if (isPlace(type, field)) {
      throw new Error(
        `${coordinate} tells a place and stands in no row of PLACES in src/api/access.ts`,
      );
    }
    if (coordinate in WHO) {
      unused.delete(coordinate);
      checkNullable(field, coordinate);
      guardField(field as GraphQLField<unknown, Context>, coordinate);
    } else if (['Query', 'Mutation', 'Subscription'].includes(type.name)) {
      throw new Error(`${coordinate} stands in no row of the table in src/api/access.ts`);
    }
  }
  if (unused.size > 0) {
    throw new Error(
      `src/api/access.ts speaks of ${[...unused].join(', ')}, which the schema has not`,
    );
  }
  return schema;
}

/** A field that is refused must not take its parent with it. A subscription that is refused has no message. */
function checkNullable({ type }: GraphQLField<unknown, unknown>, coordinate: string): void {
  if (WHO[coordinate] === EVERYBODY || coordinate.startsWith('Subscription.')) return;
  if (isNonNullType(type)) {
    throw new Error(
      `${coordinate} is not for everybody, so its type must be nullable: ${String(type)}`,
    );
  }
}

function isPlace(type: GraphQLObjectType, field: GraphQLField<unknown, unknown>): boolean {
  return (
    !PLACE_TYPES.includes(type.name) &&
    (PLACE_TYPES.includes(getNamedType(field.type).name) || /^(lat|lon)$/i.test(field.name))
  );
}

function guardField(field: GraphQLField<unknown, Context>, coordinate: string): void {
  const { resolve = defaultFieldResolver, subscribe } = field;
  const behind =
    (inner: GraphQLFieldResolver<unknown, Context>): GraphQLFieldResolver<unknown, Context> =>
    (source, args, context, info) =>
      mayAsk(context.identity, coordinate)
        ? inner(source, args, context, info)
        : refuse(context, coordinate);
  field.resolve = behind(resolve);
  if (subscribe) field.subscribe = behind(subscribe);
}

/** Whether somebody may fetch objects of a type by their id. */
export function mayFetch(identity: Identity, type: string): boolean {
  const coordinate = NODES[type];
  return coordinate !== undefined && mayAsk(identity, coordinate);
}

function mayAsk(identity: Identity, coordinate: string): boolean {
  const askers = WHO[coordinate];
  return askers === undefined || isAmong(identity, askers);
}

function isAmong({ role, microdata }: Identity, askers: readonly Asker[]): boolean {
  return askers.includes(role) || (role === 'ACTUARY' && microdata && askers.includes('MICRODATA'));
}

/** Null, and FORBIDDEN the first time that this is refused in a request: a list says it once. */
function refuse(context: Context, what: string): null {
  if (context.refused.has(what)) return null;
  context.refused.add(what);
  throw createError('FORBIDDEN', `${what} is not for the role ${context.identity.role}.`);
}

function withholdCoordinates(context: Context): null {
  if (context.refused.has('coordinates')) return null;
  context.refused.add('coordinates');
  throw createError(
    'FORBIDDEN',
    context.identity.role === 'CLAIMS'
      ? 'Coordinates are given to the role CLAIMS only by Trip.path with a purpose.'
      : `These coordinates are not for the role ${context.identity.role}.`,
  );
}

/** Somewhere at some time with some device. */
export interface Sighting {
  readonly deviceRef: number;
  readonly atMs: number;
}

/**
 * Lets a position through to who may see it: a driver's own, and to the operator one of a device
 * without a driver at that time. Everybody else gets null and one FORBIDDEN.
 */
export async function showPosition<T>(
  context: Context,
  position: T | null,
  sighting: Sighting,
): Promise<T | null> {
  if (position === null) return null;
  return (await maySee(context, sighting)) ? position : withholdCoordinates(context);
}

/** As `showPosition` for an event of a stream, which knows whether anybody was assigned. */
export function showTelemetry<T>(context: Context, value: T | null, unassigned: boolean): T | null {
  if (value === null) return null;
  const { role } = context.identity;
  const may = role === 'DRIVER' ? !unassigned : role === 'OPERATOR' && unassigned;
  return may ? value : withholdCoordinates(context);
}

/**
 * Lets those points of a trip's path through that may be seen. CLAIMS sees all, once its purpose is
 * in the access log.
 */
export async function showPath<T extends { readonly atMs: number }>(
  context: Context,
  trip: { readonly id: number; readonly deviceRef: number; readonly startedAtMs: number },
  purpose: string | null,
  load: () => Promise<readonly T[]>,
): Promise<readonly T[] | null> {
  const { role, tenant, subject } = context.identity;
  if (role === 'CLAIMS') {
    const words = purpose?.trim() ?? '';
    if (words.length < 3 || words.length > 200) {
      throw createError(
        'BAD_USER_INPUT',
        'The role CLAIMS must say what the path is needed for: path(purpose: "…"), 3 to 200 characters.',
      );
    }
    await writeAccessLog(context.services.streams.store, {
      tenant,
      role,
      subject,
      purpose: words,
      object: `Trip.path ${trip.id}`,
      requestId: context.requestId,
    });
    return load();
  }
  if (role !== 'DRIVER' && role !== 'OPERATOR') return withholdCoordinates(context);
  const assignments = await context.loaders.assignments.load(trip.deviceRef);
  const points = (await load()).filter(
    ({ atMs }) => assignments.some((span) => holds(span, atMs)) === (role === 'DRIVER'),
  );
  return points.length === 0 && !(await maySee(context, { ...trip, atMs: trip.startedAtMs }))
    ? withholdCoordinates(context)
    : points;
}

async function maySee(context: Context, { deviceRef, atMs }: Sighting): Promise<boolean> {
  const { role } = context.identity;
  if (role !== 'DRIVER' && role !== 'OPERATOR') return false;
  // For a driver the walls leave only his own assignments.
  const assignments = await context.loaders.assignments.load(deviceRef);
  return assignments.some((span) => holds(span, atMs)) === (role === 'DRIVER');
}

function holds(
  { fromMs, toMs }: { readonly fromMs: number | null; readonly toMs: number | null },
  atMs: number,
): boolean {
  return (fromMs === null || fromMs <= atMs) && (toMs === null || atMs < toMs);
}

/** Rows without names, for an actuary: nothing that says whose they are may be asked, and it is logged. */
export async function enterMicrodata(
  context: Context,
  field: string,
  criteria: { readonly deviceId?: unknown; readonly driverExternalId?: unknown },
): Promise<void> {
  const { role, tenant, subject } = context.identity;
  if (role !== 'ACTUARY') return;
  refuseNames(field, criteria);
  await writeAccessLog(context.services.streams.store, {
    tenant,
    role,
    subject,
    purpose: 'microdata',
    object: field,
    requestId: context.requestId,
  });
}

/**
 * Lets a question for figures through and says whether small groups are withheld from the answer. An
 * actuary names nobody, and what he asks is logged; one who sees aggregates only names no trip either,
 * by its hour or its extremes, and asks once in an answer, since two that are cut differently would
 * give away what each withholds.
 *
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
    createError('FORBIDDEN', `tripStats ${what} is not for ${whom}.`);
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
  await writeAccessLog(context.services.streams.store, {
    tenant,
    role,
    subject,
    purpose: microdata ? 'microdata' : 'aggregates',
    object: `Query.tripStats ${JSON.stringify(question)}`,
    requestId: context.requestId,
  });
  return !microdata;
}

/** Names the driver who asks and sees no other's rows: the walls alone would let a list be searched for his. */
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
    throw createError('FORBIDDEN', `${what} by device or driver is not for the role ACTUARY.`);
  }
}

/** Whole files of rows, without coordinates: for whom they are, and to an actuary without names. @throws FORBIDDEN */
export function checkExport(
  identity: Identity,
  criteria: { readonly deviceId?: unknown; readonly driverExternalId?: unknown },
): void {
  if (!isAmong(identity, EXPORTERS)) {
    throw createError(
      'FORBIDDEN',
      `Exports are for the role INSURER, and for ACTUARY with the claim microdata, not for this token of role ${identity.role}.`,
    );
  }
  if (identity.role === 'ACTUARY') refuseNames('An export', criteria);
}
