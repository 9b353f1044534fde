import type { ApolloClient } from '@apollo/client';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import type { Observable } from 'rxjs';
import { defer, mergeMap, of, repeat, retry, tap, throwError, timer } from 'rxjs';
import { SocketClosed } from './client.ts';
import type { TripUpdatesSubscription } from './generated/operations.ts';
import { TripUpdatesDocument } from './generated/operations.ts';

type TripUpdate = TripUpdatesSubscription['tripUpdates'];

const PAUSE_MS = 1_000;
/** The token was not accepted, or has expired: get another one, then begin with the last cursor. */
const TOKEN_CLOSES = [4401, 4403];

/**
 * The newest state of each trip of a device that changes, each change once, through lost connections and restarts of the
 * server. Each also goes into the cache, so that lists that show the trip show it as it is now.
 * @param after cursor of the last update that was seen; without it only what changes from now on
 */
export function followTrips(
  client: ApolloClient,
  deviceId: string,
  after?: string,
): Observable<TripUpdate> {
  let cursor = after;
  return defer(() =>
    client.subscribe({ query: TripUpdatesDocument, variables: { deviceId, after: cursor } }),
  ).pipe(
    mergeMap(({ data, error }) => (data ? of(data.tripUpdates) : throwError(() => error))),
    tap((update) => {
      cursor = update.cursor;
    }),
    retry({
      resetOnSuccess: true,
      delay: (error: Error) => {
        if (codesOf(error).includes('CURSOR_EXPIRED')) {
          // Too long away: what was missed is in the state, not in the stream.
          cursor = undefined;
          void client.refetchQueries({ include: 'active' });
          return timer(PAUSE_MS);
        }
        const retryAfterS = retryAfterOf(error);
        if (retryAfterS !== undefined) return timer(1_000 * retryAfterS);
        return isFinal(error) ? throwError(() => error) : timer(PAUSE_MS);
      },
    }),
    // A stream that the server ends by itself is a server that stops.
    repeat({ delay: PAUSE_MS }),
  );
}

/** The codes of what the API refused, as FORBIDDEN; none where the connection failed. */
export function codesOf(error: unknown): string[] {
  if (!CombinedGraphQLErrors.is(error)) return [];
  return error.errors.map(({ extensions }) => String(extensions?.['code']));
}

/** When to come back after RATE_LIMITED, seconds. */
function retryAfterOf(error: unknown): number | undefined {
  if (!CombinedGraphQLErrors.is(error)) return undefined;
  const waits = error.errors.map(({ extensions }) => extensions?.['retryAfterS']);
  return waits.find((wait) => typeof wait === 'number');
}

function isFinal(error: unknown): boolean {
  if (error instanceof SocketClosed) return TOKEN_CLOSES.includes(error.code);
  return CombinedGraphQLErrors.is(error);
}
