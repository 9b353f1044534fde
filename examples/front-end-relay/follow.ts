import { setTimeout as sleep } from 'node:timers/promises';
import type { IEnvironment } from 'relay-runtime';
import { graphql, requestSubscription } from 'relay-runtime';
import { Refused, SocketClosed } from './environment.ts';
import type { followSubscription } from './generated/followSubscription.graphql.ts';
import type { tripList_trip$key } from './generated/tripList_trip.graphql.ts';
import type { TripList } from './trip-list.ts';

const PAUSE_MS = 1_000;
/** The token was not accepted, or has expired: get another one, then begin with the last cursor. */
const TOKEN_CLOSES = [4401, 4403];

// A trip that the list has is changed where it stands; another one is put at its head.
const subscription = graphql`
  subscription followSubscription($deviceId: String!, $after: Cursor, $lists: [ID!]!) {
    tripUpdates(deviceId: $deviceId, after: $after) {
      cursor
      trip @prependNode(connections: $lists, edgeTypeName: "TripEdge") {
        ...tripList_trip
      }
    }
  }
`;

interface Following {
  readonly environment: IEnvironment;
  readonly deviceId: string;
  readonly list: TripList;
  readonly signal: AbortSignal;
  /** Called with each change once, when the store has it. */
  readonly onTrip: (trip: tripList_trip$key) => void;
}

/**
 * Keeps a list as the device's trips are now, through lost connections and restarts of the server, until it is aborted.
 * @throws Refused where the API would not tell, SocketClosed where it wants another token
 */
export async function followTrips(following: Following): Promise<void> {
  const { list, signal } = following;
  let cursor: string | undefined;
  while (!signal.aborted) {
    let pauseMs = PAUSE_MS;
    try {
      await listen(following, cursor, (next) => (cursor = next));
    } catch (error) {
      if (error instanceof Refused && error.codes.includes('CURSOR_EXPIRED')) {
        // Too long away: what was missed is in the state, not in the stream.
        cursor = undefined;
        await list.reload();
      } else if (error instanceof Refused && error.retryAfterS !== undefined) {
        pauseMs = 1_000 * error.retryAfterS;
      } else if (isFinal(error)) throw error;
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Ends where the stream ends, which a server does that stops, and fails where the connection does. */
function listen(
  { environment, deviceId, list, signal, onTrip }: Following,
  after: string | undefined,
  onCursor: (cursor: string) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const { dispose } = requestSubscription<followSubscription>(environment, {
      subscription,
      variables: { deviceId, after, lists: [list.id] },
      onNext: (message) => {
        if (!message) return;
        onCursor(message.tripUpdates.cursor);
        onTrip(message.tripUpdates.trip);
      },
      onError: reject,
      onCompleted: resolve,
    });
    signal.onabort = () => {
      dispose();
      resolve();
    };
  });
}

function isFinal(error: unknown): boolean {
  if (error instanceof SocketClosed) return TOKEN_CLOSES.includes(error.code);
  return error instanceof Refused;
}
