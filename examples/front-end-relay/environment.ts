import type { Client as SocketClient, SubscribePayload } from 'graphql-ws';
import { createClient } from 'graphql-ws';
import type { GraphQLResponse, IEnvironment, RequestParameters, Variables } from 'relay-runtime';
import { Environment, Network, Observable, RecordSource, Store } from 'relay-runtime';
import WebSocket from 'ws';

interface Settings {
  /** Address of the API, as http://127.0.0.1:4000/graphql. */
  readonly url: string;
  /** Asked before each request and each socket, so that a renewed token is taken. */
  readonly token: () => string;
}

interface Fault {
  readonly message: string;
  readonly extensions?: { readonly code?: string; readonly retryAfterS?: number };
}

interface Answer {
  readonly data?: object | null;
  readonly errors?: readonly Fault[];
}

/** What the API would not answer at all, by its codes, as FORBIDDEN. */
export class Refused extends Error {
  readonly codes: readonly string[];
  /** With RATE_LIMITED, when to come back, seconds. */
  readonly retryAfterS: number | undefined;

  constructor(faults: readonly Fault[]) {
    super(faults.map(({ message }) => message).join('\n'));
    this.codes = faults.map(({ extensions }) => extensions?.code ?? '');
    this.retryAfterS = faults.find(({ extensions }) => extensions?.retryAfterS)?.extensions
      ?.retryAfterS;
  }
}

/** A socket that was closed, by whom and why: https://developer.mozilla.org/docs/Web/API/CloseEvent/code. */
export class SocketClosed extends Error {
  readonly code: number;

  constructor(code: number, reason: string) {
    super(`the socket was closed with ${code} ${reason}`.trim());
    this.code = code;
  }
}

/** Relay's store over the API: queries by their hashes over HTTP, subscriptions over a socket. */
export function createEnvironment({ url, token }: Settings): {
  readonly environment: IEnvironment;
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
  const post = async (question: object): Promise<Answer> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: authorization() },
      body: JSON.stringify(question),
    });
    return (await response.json()) as Answer;
  };
  const ask = async (request: RequestParameters, variables: Variables) => {
    const question = { ...toQuestion(request), variables };
    const answer = await post({ ...question, query: undefined });
    const isKnown = !codesOf(answer).includes('PERSISTED_QUERY_NOT_FOUND');
    return accept(isKnown ? answer : await post(question));
  };
  const network = Network.create(ask, (request, variables) =>
    listen(socket, { ...toQuestion(request), variables }),
  );
  const environment = new Environment({ network, store: new Store(new RecordSource()) });
  return { environment, close: async () => socket.dispose() };
}

/** The compiler leaves the text out unless `include_query_text` says otherwise: then the hash is all there is. */
function toQuestion({ id, text }: RequestParameters) {
  return { query: text ?? '', extensions: { persistedQuery: { version: 1, sha256Hash: id } } };
}

function listen(socket: SocketClient, question: SubscribePayload) {
  return Observable.create<GraphQLResponse>((sink) =>
    socket.subscribe(question, {
      next: (answer) => {
        try {
          sink.next(accept(answer as Answer));
        } catch (error) {
          sink.error(error as Error);
        }
      },
      complete: () => sink.complete(),
      error: (error) => sink.error(toError(error)),
    }),
  );
}

const codesOf = ({ errors = [] }: Answer) => errors.map(({ extensions }) => extensions?.code);

/** Null fields with an error beside them are Relay's affair; nothing at all is an error. @throws Refused */
function accept(answer: Answer): GraphQLResponse {
  if (answer.data == null && answer.errors) throw new Refused(answer.errors);
  return answer as GraphQLResponse;
}

function toError(error: unknown): Error {
  if (error instanceof Error) return error;
  if (Array.isArray(error)) return new Refused(error as Fault[]);
  const { code = 1006, reason = '' } = error as { code?: number; reason?: string };
  return new SocketClosed(code, reason);
}
