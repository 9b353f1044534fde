import { mayFetch } from '../access/roles.ts';
import type { Context } from '../context.ts';
import { createError } from '../errors.ts';
import { KEYS } from '../federation.ts';
import { parseGlobalId } from '../ids.ts';
import { MAX_REPRESENTATIONS } from '../limits.ts';
import { toObject } from '../untrusted.ts';
import type { Fetched } from './nodes.ts';
import { fetchNode, ofKind, toFetched } from './nodes.ts';

/** Answers a federation router: the subgraph's text, and objects by their keys. */
export function createFederation(sdl: string) {
  return {
    Query: {
      _service: () => ({ sdl }),
      _entities: (
        _: unknown,
        { representations }: { readonly representations: readonly unknown[] },
        context: Context,
      ) => {
        if (representations.length > MAX_REPRESENTATIONS) {
          throw createError(
            'BAD_USER_INPUT',
            `representations holds ${representations.length} keys; at most ${MAX_REPRESENTATIONS} are answered at once.`,
          );
        }
        return representations.map((each) => fetchEntity(context, each));
      },
    },
    _Entity: {
      __resolveType: ({ __typename }: Fetched) => __typename,
    },
  };
}

/** Only the key of a representation is trusted; the object is read with the caller's access. */
async function fetchEntity(context: Context, representation: unknown): Promise<Fetched | null> {
  const fields = toObject(representation);
  const type = String(fields['__typename']);
  const keys = Object.hasOwn(KEYS, type) ? (KEYS[type] ?? []) : [];
  const key = keys.find((name) => typeof fields[name] === 'string');
  if (key === undefined) {
    throw createError(
      'BAD_USER_INPUT',
      keys.length === 0
        ? `A representation needs a __typename that has a key: ${Object.keys(KEYS).join(', ')}.`
        : `A representation of ${type} needs one of its keys as a string: ${keys.join(', ')}.`,
    );
  }
  const value = String(fields[key]);
  if (key === 'id') {
    const id = parseGlobalId(value);
    return id?.type === type ? fetchNode(context, id) : null;
  }
  if (!mayFetch(context.identity, type)) return null;
  return toFetched(type, await fetchNamed(context, type, value));
}

async function fetchNamed(
  { loaders }: Context,
  type: string,
  name: string,
): Promise<object | null> {
  switch (type) {
    case 'Driver':
      return loaders.driverByName.load(name);
    case 'Device':
      return loaders.deviceByName.load(name);
    case 'Policy':
      return loaders.policyByNumber.load(name);
    case 'Tariff':
      return loaders.tariff.load(name);
    case 'Bill':
      return ofKind('BILL', await loaders.billByNumber.load(name));
    case 'BillAdjustment':
      return ofKind('ADJUSTMENT', await loaders.billByNumber.load(name));
    case 'CreditNote':
      return ofKind('CREDIT_NOTE', await loaders.billByNumber.load(name));
    default:
      throw new Error(`${type} has a key without a loader`);
  }
}
