import { Problem } from '../problem.ts';
import type { Car } from './fleet.ts';
import { hashParts } from './random.ts';
import { PRODUCT, tariffDocument, tariffName } from './tariff.ts';

/** The roles that registering a fleet needs. */
export interface FleetTokens {
  readonly OPERATOR: string;
  readonly INSURER: string;
  readonly ACTUARY: string;
}

export interface RegisterSettings {
  readonly fleet: readonly Car[];
  /** The API's HTTP address, with /graphql. */
  readonly apiUrl: string;
  readonly tokens: FleetTokens;
  /** Policies are made for each calendar year from the first to the last, both included. */
  readonly firstYear: number;
  readonly lastYear: number;
  readonly signal: AbortSignal;
}

/** Requests under way at a time. */
const PARALLEL = 4;
const REQUEST_TIMEOUT_MS = 30_000;
/** Answers of a step that was done before: nothing is left to do. */
const DONE_BEFORE = new Set(['ALREADY_EXISTS', 'WRONG_STATE', 'OVERLAP']);

type Ask = (
  role: keyof FleetTokens,
  query: string,
  variables: Readonly<Record<string, unknown>>,
) => Promise<Readonly<Record<string, unknown>>>;

/**
 * Registers the fleet: a tariff per jurisdiction, then device, driver, vehicle and policies per car.
 * Every step has its own idempotency key, so a second run changes nothing.
 * @throws Problem `FLEET_NOT_REGISTERED` where the API does not accept a step.
 */
export async function registerFleet(settings: RegisterSettings): Promise<void> {
  const { fleet } = settings;
  const ask = createAsk(settings);
  const { viewer } = await ask('INSURER', 'query { viewer { tenant } }', {});
  const { tenant } = viewer as { readonly tenant: string };

  for (const city of new Map(fleet.map((car) => [tariffName(car.city), car.city])).values()) {
    const document = tariffDocument(city);
    await mutate(ask, 'ACTUARY', 'createTariffDraft', { document });
    const tariffId = `${String(document['id'])}@${String(document['version'])}`;
    await mutate(ask, 'INSURER', 'activateTariff', { tariffId });
  }

  const waiting = [...fleet];
  const work = async () => {
    for (let car = waiting.shift(); car && !settings.signal.aborted; car = waiting.shift()) {
      await registerCar(ask, car, tenant, settings.firstYear, settings.lastYear);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}

/** Instant of a device's newest event, epoch milliseconds; undefined before the first. */
export async function lastEventsMs(
  settings: Pick<RegisterSettings, 'fleet' | 'apiUrl' | 'tokens' | 'signal'>,
): Promise<ReadonlyMap<string, number>> {
  const ask = createAsk(settings);
  const newest = new Map<string, number>();
  for (const { deviceId } of settings.fleet) {
    const query = 'query ($deviceId: String!) { device(deviceId: $deviceId) { lastEventAt } }';
    const answer = await ask('OPERATOR', query, { deviceId });
    const device = answer['device'] as { readonly lastEventAt: string | null } | null;
    if (device?.lastEventAt) newest.set(deviceId, Date.parse(device.lastEventAt));
  }
  return newest;
}

async function registerCar(
  ask: Ask,
  car: Car,
  tenant: string,
  firstYear: number,
  lastYear: number,
): Promise<void> {
  const { deviceId, driverId: driverExternalId } = car;
  const vehicle = { externalId: car.vehicleId, attributes: { simulated: true } };
  await mutate(ask, 'OPERATOR', 'moveDevice', { deviceId, tenant });
  await mutate(ask, 'INSURER', 'registerDriver', {
    externalId: driverExternalId,
    name: car.driverName,
    dateOfBirth: car.dateOfBirth,
  });
  await mutate(ask, 'INSURER', 'assignDevice', { deviceId, driverExternalId, vehicle });
  for (let year = firstYear; year <= lastYear; year++) {
    await mutate(ask, 'INSURER', 'createPolicy', {
      number: `${deviceId}-${year}`,
      product: PRODUCT,
      jurisdiction: car.city.jurisdiction,
      timeZone: car.city.zone,
      startDate: `${year}-01-01`,
      endDate: `${year + 1}-01-01`,
      driverExternalId,
      vehicle,
      ratingFactors: { parking: car.parking },
    });
  }
}

/** One mutation; its idempotency key is derived from its input, so equal steps are one step. */
async function mutate(
  ask: Ask,
  role: keyof FleetTokens,
  name: string,
  input: Readonly<Record<string, unknown>>,
): Promise<void> {
  const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const query = `mutation ($input: ${type}!) { ${name}(input: $input) { userErrors { code message } } }`;
  const text = JSON.stringify(input);
  const idempotencyKey = `sim-${name}-${hashParts(text).toString(16)}-${hashParts(name, text).toString(16)}`;
  const answer = await ask(role, query, { input: { ...input, idempotencyKey } });
  const payload = answer[name] as {
    readonly userErrors: readonly { readonly code: string; readonly message: string }[];
  };
  const wrong = payload.userErrors.find((error) => !DONE_BEFORE.has(error.code));
  if (wrong) throw notRegistered(`${name} answered ${wrong.code}: ${wrong.message}`);
}

function createAsk({
  apiUrl,
  tokens,
  signal,
}: Pick<RegisterSettings, 'apiUrl' | 'tokens' | 'signal'>): Ask {
  return async (role, query, variables) => {
    let response: Response;
    try {
      response = await fetch(apiUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${tokens[role]}` },
        body: JSON.stringify({ query, variables }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
      });
    } catch (error) {
      throw notRegistered(`${apiUrl} did not answer`, error);
    }
    const text = await response.text();
    let body: {
      readonly data?: Readonly<Record<string, unknown>> | null;
      readonly errors?: readonly { readonly message: string }[];
    };
    try {
      body = JSON.parse(text) as typeof body;
    } catch (error) {
      throw notRegistered(`${apiUrl} answered ${response.status}: ${text.slice(0, 200)}`, error);
    }
    if (body.errors?.[0] || !body.data) {
      throw notRegistered(
        `${role} was answered: ${body.errors?.[0]?.message ?? text.slice(0, 200)}`,
      );
    }
    return body.data;
  };
}

function notRegistered(message: string, cause?: unknown): Problem {
  return new Problem(
    'FLEET_NOT_REGISTERED',
    `the simulated fleet could not be registered: ${message}`,
    'Start the API, or publish without registering: odograph simulate --no-register.',
    cause,
  );
}
