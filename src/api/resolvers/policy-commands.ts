import { readPolicies } from '../../store/read/policies.ts';
import { refuse } from '../../store/write/once.ts';
import type { FactOrder } from '../../store/write/policies.ts';
import { amendPolicy, cancelPolicy, createPolicy } from '../../store/write/policies.ts';
import type { PolicyFactInput, Resolvers } from '../generated/schema.ts';
import { checkName, checkVehicle, perform } from './perform.ts';

const MAX_REASON = 500;
/** A policy of more vehicles, drivers or facts is a fleet's contract, made in pieces. */
const MAX_PARTS = 100;

export const policyCommands: Resolvers = {
  Mutation: {
    createPolicy: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'createPolicy',
        input,
        (tx, tenant) => {
          checkName(input.number, 'number');
          checkName(input.product, 'product');
          checkName(input.jurisdiction, 'jurisdiction');
          const vehicles = [input.vehicle, ...(input.furtherVehicles ?? [])];
          vehicles.forEach((vehicle) => checkVehicle(vehicle));
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
          const drivers = [input.driverExternalId, ...(input.furtherDriverExternalIds ?? [])];
          const facts = [
            ...toPolicyFacts(input.ratingFactors),
            ...toFacts(input.facts, 'facts').filter(({ value }) => value !== null),
          ];
          checkCount(vehicles, 'furtherVehicles');
          checkCount(drivers, 'furtherDriverExternalIds');
          checkCount(facts, 'facts');
          return createPolicy(tx, tenant, {
            number: input.number,
            product: input.product,
            jurisdiction: input.jurisdiction,
            timeZone: input.timeZone,
            startDate: input.startDate,
            endDate: input.endDate,
            drivers: [...new Set(drivers)],
            vehicles: vehicles.map((vehicle) => ({ attributes: null, ...vehicle })),
            facts,
          });
        },
        async (tx, ref) => (await readPolicies(tx, [ref]))[0],
      );
      return { policy: row, userErrors };
    },
    amendPolicy: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'amendPolicy',
        input,
        (tx, tenant) => {
          const { product, jurisdiction } = input;
          if (product != null) checkName(product, 'product');
          if (jurisdiction != null) checkName(jurisdiction, 'jurisdiction');
          const addVehicles = input.addVehicles ?? [];
          addVehicles.forEach((vehicle) => checkVehicle(vehicle));
          const order = {
            policyNumber: input.policyNumber,
            from: input.from,
            product: product ?? null,
            jurisdiction: jurisdiction ?? null,
            addDrivers: input.addDriverExternalIds ?? [],
            removeDrivers: input.removeDriverExternalIds ?? [],
            addVehicles: addVehicles.map((vehicle) => ({ attributes: null, ...vehicle })),
            removeVehicles: input.removeVehicleExternalIds ?? [],
            facts: toFacts(input.facts, 'facts'),
            reason: checkReason(input.reason),
          };
          const changes = [
            ...order.addDrivers,
            ...order.removeDrivers,
            ...order.addVehicles,
            ...order.removeVehicles,
            ...order.facts,
          ];
          checkCount(changes, 'facts');
          if (changes.length === 0 && product == null && jurisdiction == null) {
            refuse('INVALID', 'Nothing to change: give at least one field.');
          }
          return amendPolicy(tx, tenant, context.identity.subject, order);
        },
        async (tx, ref) => (await readPolicies(tx, [ref]))[0],
      );
      return { policy: row, userErrors };
    },
    cancelPolicy: async (_, { input }, context) => {
      const { row, userErrors } = await perform(
        context,
        'cancelPolicy',
        input,
        (tx, tenant) =>
          cancelPolicy(tx, tenant, context.identity.subject, {
            policyNumber: input.policyNumber,
            on: input.on,
            reason: checkReason(input.reason),
          }),
        async (tx, ref) => (await readPolicies(tx, [ref]))[0],
      );
      return { policy: row, userErrors };
    },
  },
};

function checkCount(list: readonly unknown[], field: string): void {
  if (list.length > MAX_PARTS) {
    refuse('INVALID', `${list.length} are too many at once; at most ${MAX_PARTS}.`, field);
  }
}

function checkReason(reason: string | null | undefined): string | null {
  if (reason != null && reason.length > MAX_REASON) {
    refuse('INVALID', `reason must have at most ${MAX_REASON} characters.`, 'reason');
  }
  return reason ?? null;
}

function toFacts(
  inputs: readonly PolicyFactInput[] | null | undefined,
  field: string,
): FactOrder[] {
  return (inputs ?? []).map(({ name, value, vehicleExternalId, driverExternalId }, i) => {
    const path = [field, String(i)];
    checkName(name, ...path, 'name');
    if (vehicleExternalId != null && driverExternalId != null) {
      refuse('INVALID', 'A fact is about a vehicle or a driver, not about both.', ...path);
    }
    return {
      name,
      value: value == null ? null : checkFact(value, ...path, 'value'),
      vehicleExternalId: vehicleExternalId ?? null,
      driverExternalId: driverExternalId ?? null,
    };
  });
}

/** The facts of a policy as a whole, given as an object. */
function toPolicyFacts(factors: unknown): FactOrder[] {
  if (factors == null) return [];
  if (typeof factors !== 'object' || Array.isArray(factors)) {
    refuse('INVALID', 'ratingFactors must be an object.', 'ratingFactors');
  }
  return Object.entries(factors).map(([name, value]) => {
    checkName(name, 'ratingFactors');
    return {
      name,
      value: checkFact(value, 'ratingFactors', name),
      vehicleExternalId: null,
      driverExternalId: null,
    };
  });
}

function checkFact(value: unknown, ...field: readonly string[]): string | number {
  const isText = typeof value === 'string' && value.length <= 200;
  if (!isText && !(typeof value === 'number' && Number.isFinite(value))) {
    refuse(
      'INVALID',
      `${field.join('.')} is ${JSON.stringify(value)}; a fact is a text of up to 200 characters, or a number.`,
      ...field,
    );
  }
  return value;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
