import type { GraphQLInputType, GraphQLSchema } from 'graphql';
import { isInputObjectType, isListType, isNonNullType } from 'graphql';
import { canonicalJson } from '../../core/premium/exact/canonical.ts';
import { sha256 } from '../../core/premium/exact/sha256.ts';
import type { Transaction } from '../../store/transaction.ts';
import type { Fault } from '../../store/write/once.ts';
import { refuse, writeOnce } from '../../store/write/once.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';
import type { VehicleInput } from '../generated/schema.ts';
import { toReader } from '../identity.ts';
import { isPlainName } from '../plain-text.ts';

const MAX_NAME = 200;

interface Keyed {
  readonly idempotencyKey: string;
}

/** Result of every mutation: its object, read with the caller's access, or what was wrong. */
interface Done<Row> {
  readonly row: Row | null;
  readonly userErrors: { code: Fault['code']; message: string; field: string[] }[];
}

/** Runs a mutation once per idempotency key, then reads its object. */
export async function perform<Input extends Keyed, Key, Row>(
  context: Context,
  mutation: string,
  input: Input,
  work: (tx: Transaction, tenantRef: number) => Promise<Key>,
  read: (tx: Transaction, key: Key) => Promise<Row | null | undefined>,
): Promise<Done<Row>> {
  const { idempotencyKey, ...rest } = input;
  if (!isName(idempotencyKey)) {
    throw createError(
      'BAD_USER_INPUT',
      `idempotencyKey must have 1 to ${MAX_NAME} characters, without control characters.`,
    );
  }
  const inputHash = hashInput(context.services.schema, mutation, rest);
  const outcome = await writeOnce(
    context.services.store,
    toReader(context.identity),
    { mutation, idempotencyKey, inputHash },
    async (tx, tenantRef) => work(tx, tenantRef),
  );
  if (outcome === 'CONFLICT') {
    throw createError(
      'CONFLICT',
      `The idempotency key ${idempotencyKey} was already used with different input: use a new key for each action.`,
    );
  }
  if (outcome === 'UNKNOWN_TENANT') {
    throw createError(
      'FORBIDDEN',
      `The token's tenant ${context.identity.tenant ?? ''} does not exist. An OPERATOR creates it with moveDevice(createTenant: true).`,
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
  return isPlainName(text, MAX_NAME);
}

/** One text for one meaning: a field that is null is left out, members are sorted. */
function hashInput(schema: GraphQLSchema, mutation: string, input: unknown): string {
  const type = schema.getMutationType()?.getFields()[mutation]?.args[0]?.type;
  if (!type) throw new Error(`the schema has no mutation ${mutation} with an input`);
  const text = canonicalJson(dropNulls(type, input));
  if (text === undefined) {
    throw createError('BAD_USER_INPUT', 'The input nests too deep to be compared.');
  }
  return sha256(text);
}

/** Leaves out fields that are null. What a JSON scalar holds is data, where null is not absence. */
function dropNulls(type: GraphQLInputType, value: unknown): unknown {
  if (isNonNullType(type)) return dropNulls(type.ofType, value);
  if (isListType(type) && Array.isArray(value)) {
    return value.map((item) => dropNulls(type.ofType, item));
  }
  if (!isInputObjectType(type) || typeof value !== 'object' || value === null) return value;
  const fields = type.getFields();
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member != null)
      .map(([name, member]) => [name, dropNulls(fields[name]!.type, member)]),
  );
}

/** @throws RefusedInput if a name is empty or too long */
export function checkName(text: string, ...field: readonly string[]): void {
  if (!isName(text)) {
    refuse(
      'INVALID',
      `${field.join('.')} must have 1 to ${MAX_NAME} characters, without control characters.`,
      ...field,
    );
  }
}

/** @throws RefusedInput if a vehicle's name or attributes are invalid */
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
