import type { GraphQLField, GraphQLFieldResolver, GraphQLSchema } from 'graphql';
import { defaultFieldResolver, isNonNullType, isObjectType } from 'graphql';
import { ROLES } from '../../roles.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';
import type { Identity } from '../identity.ts';
import type { Audience } from './places.ts';
import { isPlace, PLACES } from './places.ts';

const ALL_ROLES: readonly Audience[] = ROLES;
const TRIP_READERS: readonly Audience[] = ['DRIVER', 'INSURER', 'CLAIMS', 'OPERATOR', 'MICRODATA'];
const SEE_DRIVERS: readonly Audience[] = ['DRIVER', 'INSURER', 'CLAIMS'];

/**
 * The roles that may ask for a field. Lists every field of Query, Mutation and Subscription, and of other
 * types only the fields that some callers may not read even on an object they can reach. Row-level
 * security in PostgreSQL decides which objects a caller can reach.
 */
const AUDIENCES: Readonly<Record<string, readonly Audience[]>> = {
  'Query.viewer': ALL_ROLES,
  'Query.node': ALL_ROLES,
  'Query.nodes': ALL_ROLES,
  'Query._service': ALL_ROLES,
  'Query._entities': ALL_ROLES,
  'Query.driver': SEE_DRIVERS,
  'Query.drivers': ['INSURER'],
  'Query.device': ['DRIVER', 'INSURER', 'CLAIMS', 'OPERATOR'],
  'Query.devices': ['DRIVER', 'INSURER', 'OPERATOR'],
  'Query.leftOutFields': ['OPERATOR'],
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
  'Device.leftOutFields': ['OPERATOR'],
  'Trip.deviceId': ['DRIVER', 'INSURER', 'CLAIMS', 'OPERATOR'],
  'Trip.driver': SEE_DRIVERS,
  'Trip.vehicle': SEE_DRIVERS,
  'Tariff.document': ['INSURER', 'ACTUARY'],
  'TripQuantity.min': ['INSURER', 'MICRODATA'],
  'TripQuantity.max': ['INSURER', 'MICRODATA'],
};

/** Types that can be fetched by id, each with the field whose roles apply. */
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

/** Access to a field: `yes` or a condition for each audience that has it. */
export interface Access {
  readonly coordinate: string;
  readonly who: Readonly<Partial<Record<Audience, string>>>;
}

/** Every field with restricted access, in the order of the schema. */
export function listAccess(schema: GraphQLSchema): readonly Access[] {
  return listFields(schema).flatMap(({ coordinate }) => {
    const audiences = AUDIENCES[coordinate];
    if (!audiences)
      return coordinate in PLACES ? [{ coordinate, who: PLACES[coordinate] ?? {} }] : [];
    const all = audiences.includes('ACTUARY') ? [...audiences, 'MICRODATA'] : audiences;
    return [{ coordinate, who: Object.fromEntries(all.map((audience) => [audience, 'yes'])) }];
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

/** Guards every field of the table above, in place. @throws Error if tables and schema do not match */
export function guardSchema(schema: GraphQLSchema): GraphQLSchema {
  const unused = new Set([...Object.keys(AUDIENCES), ...Object.keys(PLACES)]);
  for (const { type, field, coordinate } of listFields(schema)) {
    if (coordinate in PLACES) {
      unused.delete(coordinate);
    } else if (isPlace(type, field)) {
      throw new Error(
        `${coordinate} exposes a position but has no row in PLACES in src/api/access/places.ts`,
      );
    }
    if (coordinate in AUDIENCES) {
      unused.delete(coordinate);
      checkNullable(field, coordinate);
      guardField(field as GraphQLField<unknown, Context>, coordinate);
    } else if (['Query', 'Mutation', 'Subscription'].includes(type.name)) {
      throw new Error(`${coordinate} has no row in the table in src/api/access/roles.ts`);
    }
  }
  if (unused.size > 0) {
    throw new Error(`src/api/access lists ${[...unused].join(', ')}, which is not in the schema`);
  }
  return schema;
}

/** A refused field must not make its parent null. A refused subscription has no message. */
function checkNullable({ type }: GraphQLField<unknown, unknown>, coordinate: string): void {
  if (AUDIENCES[coordinate] === ALL_ROLES || coordinate.startsWith('Subscription.')) return;
  if (isNonNullType(type)) {
    throw new Error(
      `${coordinate} is not for every role, so its type must be nullable: ${String(type)}`,
    );
  }
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

/** Whether a caller may fetch objects of a type by id. */
export function mayFetch(identity: Identity, type: string): boolean {
  const coordinate = NODES[type];
  return coordinate !== undefined && mayAsk(identity, coordinate);
}

/** Whether a caller may ask for a field. */
export function mayAsk(identity: Identity, coordinate: string): boolean {
  const audiences = AUDIENCES[coordinate];
  return audiences === undefined || isAmong(identity, audiences);
}

/** Whether a caller is in one of the audiences. */
export function isAmong({ role, microdata }: Identity, audiences: readonly Audience[]): boolean {
  return (
    audiences.includes(role) || (role === 'ACTUARY' && microdata && audiences.includes('MICRODATA'))
  );
}

/** Null, with FORBIDDEN the first time in a request, so that a list reports it once. */
function refuse(context: Context, what: string): null {
  if (context.refused.has(what)) return null;
  context.refused.add(what);
  throw createError('FORBIDDEN', `${what} is not available to the role ${context.identity.role}.`);
}
