import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, Observable } from '@apollo/client';
import { createPersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { print, relayStylePagination } from '@apollo/client/utilities';
import { generatePersistedQueryIdsAtRuntime } from '@apollo/persisted-query-lists';
import type { Client as SocketClient } from 'graphql-ws';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

interface Settings {
  /** Address of the API, as http://127.0.0.1:4000/graphql. */
  readonly url: string;
  /** Asked before each request and each socket, so that a renewed token is taken. */
  readonly token: () => string;
  /** Whether the API answers the operations of its manifest and no others: then no text is ever sent. */
  readonly listedOnly?: boolean;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** A socket that was closed, by whom and why: https://developer.mozilla.org/docs/Web/API/CloseEvent/code. */
export class SocketClosed extends Error {
  readonly code: number;

  constructor(code: number, reason: string) {
    super(`the socket was closed with ${code} ${reason}`.trim());
    this.code = code;
  }
}

/** An Apollo Client for queries over HTTP and subscriptions over a socket, by the operations' hashes. */
export function createOdographClient({ url, token, listedOnly = false }: Settings): {
  readonly client: ApolloClient;
  close(): Promise<void>;
} {
  const authorization = () => `Bearer ${token()}`;
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    // A browser has its own.
    webSocketImpl: WebSocket,
    connectionParams: () => ({ Authorization: authorization() }),
    // A retry of its own would begin at the old cursor: `followTrips` asks again with the newest.
    retryAttempts: 0,
  });
  const persisted = createPersistedQueryLink(
    listedOnly ? generatePersistedQueryIdsAtRuntime({ sha256 }) : { sha256 },
  );
  const authorized = new ApolloLink((operation, forward) => {
    operation.setContext(({ headers }: { headers?: object }) => ({
      headers: { ...headers, authorization: authorization() },
    }));
    return forward(operation);
  });
  const client = new ApolloClient({
    link: ApolloLink.from([
      persisted,
      ApolloLink.split(
        ({ operationType }) => String(operationType) === 'subscription',
        overSocket(socket),
        authorized.concat(new HttpLink({ uri: url })),
      ),
    ]),
    cache: new InMemoryCache({
      typePolicies: {
        // A page that is fetched goes behind those that are there; each device has a list of its own.
        Query: { fields: { trips: relayStylePagination(['filter', 'orderBy']) } },
      },
    }),
  });
  const close = async () => {
    client.stop();
    await socket.dispose();
  };
  return { client, close };
}

/** As Apollo's own link for graphql-ws, but it can leave out the text, and tells the code of a close. */
function overSocket(socket: SocketClient): ApolloLink {
  return new ApolloLink((operation) => {
    const { variables, operationName, extensions } = operation;
    const { http } = operation.getContext() as { http?: { includeQuery?: boolean } };
    const query = http?.includeQuery === false ? '' : print(operation.query);
    return new Observable((observer) =>
      socket.subscribe<Record<string, unknown>>(
        { query, variables, operationName, extensions },
        {
          next: (result) => observer.next(result as ApolloLink.Result),
          complete: () => observer.complete(),
          error: (error) => {
            if (Array.isArray(error)) observer.next({ errors: error });
            else observer.error(toError(error));
          },
        },
      ),
    );
  });
}

function toError(error: unknown): Error {
  if (error instanceof Error) return error;
  const { code = 1006, reason = '' } = error as { code?: number; reason?: string };
  return new SocketClosed(code, reason);
}
