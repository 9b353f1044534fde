import { canonicalJson } from '../../core/premium/exact/canonical.ts';
import { sha256 } from '../../core/premium/exact/sha256.ts';
import type { Transaction } from '../../store/open.ts';
import type { Fault } from '../../store/write/once.ts';
import { refuse, writeOnce } from '../../store/write/once.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';
import type { VehicleInput } from '../generated/schema.ts';
import { toReader } from '../identity.ts';

const MAX_NAME = 200;

interface Keyed {
  readonly idempotencyKey: string;
}

/** What every mutation answers: its object, read behind the asker's walls, or what was wrong. */
interface Done<Row> {
  readonly row: Row | null;
  readonly userErrors: { code: Fault['code']; message: string; field: string[] }[];
}

/** Does a mutation's work once for its idempotency key, then reads its object. */
export async function perform<Input extends Keyed, Key, Row>(
  context: Context,
  mutation: string,
  input: Input,
  work: (tx: Transaction, tenantRef: number) => Promise<Key>,
  read: (tx: Transaction, key: Key) => Promise<Row | null | undefined>,
): Promise<Done<Row>> {
  const { idempotencyKey, ...rest } = input;
  if (!isName(idempotencyKey)) {
    throw createError('BAD_USER_INPUT', `idempotencyKey must have 1 to ${MAX_NAME} characters.`);
  }
  const outcome = await writeOnce(
    context.services.streams.store,
    toReader(context.identity),
    { mutation, idempotencyKey, inputHash: sha256(canonicalJson(rest) ?? '') },
    async (tx, tenantRef) => work(tx, tenantRef),
  );
  if (outcome === 'CONFLICT') {
    throw createError(
      'CONFLICT',
      `The idempotency key ${idempotencyKey} was already used with another input: take a new one for each thing to be done.`,
    );
  }
  if (outcome === 'UNKNOWN_TENANT') {
    throw createError(
      'FORBIDDEN',
      `The token's tenant ${context.identity.tenant ?? ''} is not known here: an OPERATOR makes it by moveDevice(createTenant: true).`,
    );
  }
  if ('faults' in outcome) {
    const userErrors = outcome.faults.map((fault) => ({ ...fault, field: [...fault.field] }));
    return { row: null, userErrors };
  }
  const row = await context.reading.run((tx) => read(tx, outcome.result));
  return { row: row ?? null, userErrors: [] };
}

function isName(text: string): boolean {
  return text.length > 0 && text.length <= MAX_NAME && !text.includes('\u0000');
}

/** @throws RefusedInput where a name is empty or too long */
export function checkName(text: string, ...field: readonly string[]): void {
  if (!isName(text)) {
    refuse('INVALID', `${field.join('.')} must have 1 to ${MAX_NAME} characters.`, ...field);
  }
}

/** @throws RefusedInput where a vehicle's name or attributes are none */
export function checkVehicle(vehicle: VehicleInput | undefined): void {
  if (!vehicle) return;
  checkName(vehicle.externalId, 'vehicle', 'externalId');
  checkObject(vehicle.attributes, 'vehicle', 'attributes');
}

function checkObject(value: unknown, ...field: readonly string[]): void {
  if (value != null && (typeof value !== 'object' || Array.isArray(value))) {
    refuse('INVALID', `${field.join('.')} must be an object.`, ...field);
  }
}
