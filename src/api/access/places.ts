import type { GraphQLField, GraphQLObjectType } from 'graphql';
import { getNamedType } from 'graphql';
import type { Role } from '../../roles.ts';
import { writeAccessLog } from '../../store/write/access-log.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';

/** A role, or ACTUARY with the claim `microdata`. */
export type Audience = Role | 'MICRODATA';

/**
 * Fields with a position, and the condition under which each audience sees it. `showPosition`,
 * `showTelemetry` and `showPath` below check the condition for each position.
 */
export const PLACES: Readonly<Record<string, Readonly<Partial<Record<Audience, string>>>>> = {
  'Trip.start': { DRIVER: 'own', OPERATOR: 'unassigned' },
  'Trip.end': { DRIVER: 'own', OPERATOR: 'unassigned' },
  'Trip.path': { DRIVER: 'own', CLAIMS: 'purpose', OPERATOR: 'unassigned' },
  'DrivingEvent.position': { DRIVER: 'own', OPERATOR: 'unassigned' },
  'TelemetryMessage.lat': { DRIVER: 'own', OPERATOR: 'unassigned' },
  'TelemetryMessage.lon': { DRIVER: 'own', OPERATOR: 'unassigned' },
};
const PLACE_TYPES: readonly string[] = ['Position', 'PathPoint'];

/** Whether a field leads to a position from a type that is not one. */
export function isPlace(type: GraphQLObjectType, field: GraphQLField<unknown, unknown>): boolean {
  return (
    !PLACE_TYPES.includes(type.name) &&
    (PLACE_TYPES.includes(getNamedType(field.type).name) || /^(lat|lon)$/i.test(field.name))
  );
}

function withholdCoordinates(context: Context): null {
  if (context.refused.has('coordinates')) return null;
  context.refused.add('coordinates');
  throw createError(
    'FORBIDDEN',
    context.identity.role === 'CLAIMS'
      ? 'The role CLAIMS gets coordinates only from Trip.path with a purpose.'
      : `The role ${context.identity.role} may not see these coordinates.`,
  );
}

/** A device at an instant. */
export interface Sighting {
  readonly deviceRef: number;
  readonly atMs: number;
}

/**
 * A position for callers that may see it: a driver's own, and for the operator that of a device
 * without a driver at that time. Other callers get null and one FORBIDDEN.
 */
export async function showPosition<T>(
  context: Context,
  position: T | null,
  sighting: Sighting,
): Promise<T | null> {
  if (position === null) return null;
  return (await maySee(context, sighting)) ? position : withholdCoordinates(context);
}

/** As `showPosition`, for an event of a stream, which already knows whether a driver was assigned. */
export function showTelemetry<T>(context: Context, value: T | null, unassigned: boolean): T | null {
  if (value === null) return null;
  const { role } = context.identity;
  const may = role === 'DRIVER' ? !unassigned : role === 'OPERATOR' && unassigned;
  return may ? value : withholdCoordinates(context);
}

/**
 * The points of a trip's path that the caller may see. CLAIMS sees all of them, once the purpose is
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
        'The role CLAIMS must give a purpose for a path: path(purpose: "…"), 3 to 200 characters.',
      );
    }
    await writeAccessLog(context.services.store, {
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
  // Row-level security leaves a driver only their own assignments.
  const assignments = await context.loaders.assignments.load(deviceRef);
  return assignments.some((span) => holds(span, atMs)) === (role === 'DRIVER');
}

function holds(
  { fromMs, toMs }: { readonly fromMs: number | null; readonly toMs: number | null },
  atMs: number,
): boolean {
  return (fromMs === null || fromMs <= atMs) && (toMs === null || atMs < toMs);
}
