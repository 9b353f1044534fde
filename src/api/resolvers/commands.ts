import { parseTariff } from '../../core/premium/tariff.ts';
import { canonicalJson } from '../../core/premium/canonical.ts';
import { sha256 } from '../../core/premium/sha256.ts';
import type { Transaction } from '../../store/open.ts';
import { readDevices } from '../../store/read/devices.ts';
import { readDrivers } from '../../store/read/drivers.ts';
import { readPolicyByRef } from '../../store/read/policies.ts';
import { readTariff } from '../../store/read/tariffs.ts';
import { assignDevice, moveDevice } from '../../store/write/devices.ts';
import type { Fault } from '../../store/write/once.ts';
import { RefusedInput, refuse, writeOnce } from '../../store/write/once.ts';
import { registerDriver } from '../../store/write/people.ts';
import { createPolicy } from '../../store/write/policies.ts';
import { activateTariff, keepDraft } from '../../store/write/tariffs.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';
import type { Resolvers, VehicleInput } from '../generated/schema.ts';
import { toReader } from '../identity.ts';
import { toTariffName } from './tariffs.ts';

const MAX_NAME = 200;
const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;

interface Keyed {
  readonly idempotencyKey: string;
}

/** What every mutation answers: its object, read behind the asker's walls, or what was wrong. */
interface Done<Row> {
  readonly row: Row | null;
  readonly userErrors: { code: Fault['code']; message: string; field: string[] }[];
}

export const commands: Resolvers = {
  Mutation: {
    registerDriver: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'registerDriver',
        input,
        (tx, tenant) => {
          checkName(input.externalId, 'externalId');
          return registerDriver(tx, tenant, {
            externalId: input.externalId,
            name: input.name ?? null,
            dateOfBirth: input.dateOfBirth ?? null,
          });
        },
        async (tx, ref) => (await readDrivers(tx, [ref]))[0],
      );
      return { driver: row, userErrors };
    },
    assignDevice: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'assignDevice',
        input,
        (tx, tenant) => {
          checkVehicle(input.vehicle ?? undefined);
          return assignDevice(tx, tenant, {
            deviceId: input.deviceId,
            driverExternalId: input.driverExternalId,
            vehicle: input.vehicle ? { attributes: null, ...input.vehicle } : null,
            fromMs: input.from ?? null,
            toMs: input.to ?? null,
          });
        },
        async (tx, ref) => (await readDevices(tx, [ref]))[0],
      );
      return { device: row, userErrors };
    },
    moveDevice: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'moveDevice',
        input,
        (tx) => {
          checkName(input.deviceId, 'deviceId');
          if (!SLUG.test(input.tenant)) {
            refuse(
              'INVALID',
              `tenant is ${JSON.stringify(input.tenant)}; a slug has 1 to 64 lower-case letters, digits and hyphens.`,
              'tenant',
            );
          }
          return moveDevice(tx, {
            deviceId: input.deviceId,
            tenant: input.tenant,
            fromMs: input.from ?? null,
            createTenant: input.createTenant ?? false,
          });
        },
        async (tx, ref) => (await readDevices(tx, [ref]))[0],
      );
      return { device: row, userErrors };
    },
    createPolicy: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'createPolicy',
        input,
        (tx, tenant) => {
          checkName(input.number, 'number');
          checkVehicle(input.vehicle);
          checkObject(input.ratingFactors, 'ratingFactors');
          if (input.startDate >= input.endDate) {
            refuse(
              'INVALID',
              `endDate is ${input.endDate}; it must lie after startDate, ${input.startDate}.`,
              'endDate',
            );
          }
          if (!isTimeZone(input.timeZone)) {
            refuse(
              'INVALID',
              `timeZone is ${JSON.stringify(input.timeZone)}; give an IANA zone such as Europe/Paris.`,
              'timeZone',
            );
          }
          return createPolicy(tx, tenant, {
            ...input,
            vehicle: { attributes: null, ...input.vehicle },
            ratingFactors: input.ratingFactors ?? {},
          });
        },
        (tx, ref) => readPolicyByRef(tx, ref),
      );
      return { policy: row, userErrors };
    },
    createTariffDraft: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'createTariffDraft',
        input,
        (tx, tenant) => {
          const parsed = parseTariff(input.document);
          if (!parsed.ok) {
            throw new RefusedInput(
              ...parsed.problems.map((problem) => ({
                code: 'INVALID' as const,
                message: `${problem.path || 'the document'}: ${problem.message} (${problem.code})`,
                field: ['document', ...problem.path.split('/').slice(1)],
              })),
            );
          }
          return keepDraft(tx, tenant, parsed.tariff);
        },
        readTariff,
      );
      return { tariff: row, userErrors };
    },
    activateTariff: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'activateTariff',
        input,
        (tx, tenant) => activateTariff(tx, tenant, toTariffName(input.tariffId)),
        readTariff,
      );
      return { tariff: row, userErrors };
    },
  },
};

async function perform<Input extends Keyed, Key, Row>(
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

function checkName(text: string, ...field: readonly string[]): void {
  if (!isName(text)) {
    refuse('INVALID', `${field.join('.')} must have 1 to ${MAX_NAME} characters.`, ...field);
  }
}

function checkVehicle(vehicle: VehicleInput | undefined): void {
  if (!vehicle) return;
  checkName(vehicle.externalId, 'vehicle', 'externalId');
  checkObject(vehicle.attributes, 'vehicle', 'attributes');
}

function checkObject(value: unknown, ...field: readonly string[]): void {
  if (value != null && (typeof value !== 'object' || Array.isArray(value))) {
    refuse('INVALID', `${field.join('.')} must be an object.`, ...field);
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
