import { randomUUID } from 'node:crypto';
import type { ExecutionArgs, ExecutionResult, GraphQLFormattedError } from 'graphql';
import { createSourceEventStream, execute, getOperationAST, GraphQLError } from 'graphql';
import type { Admitted } from './admission.ts';
import { showCost } from './admission.ts';
import type { Caller, Context, Services } from './context.ts';
import { createContext } from './context.ts';
import { formatError } from './errors.ts';
import type { GraphQLRequest } from './graphql-request.ts';
import { sharingKeyOf } from './sharing.ts';

/** A request over a socket or an event stream that may run. */
export interface Prepared extends Omit<ExecutionArgs, 'contextValue'> {
  readonly contextValue: Caller & { readonly admitted: Admitted; readonly sharing: string };
  readonly isSubscription: boolean;
}

/** Takes the steps of every request. @returns errors if one of them refuses it */
export async function prepare(
  request: GraphQLRequest,
  caller: Caller,
  services: Services,
): Promise<Prepared | readonly GraphQLError[]> {
  const { schema, steps, documents } = services;
  const fail = (error: unknown) => toError(error, caller, services);
  try {
    const text = await steps.accept(caller.identity, request);
    const document = documents.read(text);
    if (!('kind' in document)) {
      return document.map((fault) => fail(withCode(fault, 'GRAPHQL_VALIDATION_FAILED')));
    }
    const operation = getOperationAST(document, request.operationName);
    if (!operation) {
      return [
        fail(
          new GraphQLError('Name the operation to run with operationName.', {
            extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
          }),
        ),
      ];
    }
    const variableValues = request.variables ?? {};
    const admitted = await steps.admit(caller.identity, document, operation, variableValues);
    const operationName = operation.name?.value ?? null;
    const sharing = sharingKeyOf(text, document, operationName, variableValues, caller.identity);
    const contextValue = { ...caller, admitted, sharing };
    const isSubscription = operation.operation === 'subscription';
    return { schema, document, operationName, variableValues, contextValue, isSubscription };
  } catch (error) {
    return [fail(error instanceof GraphQLError ? withCode(error, 'GRAPHQL_PARSE_FAILED') : error)];
  }
}

/** Runs a query or a mutation with a context of its own. */
export async function runOnce(args: Prepared, services: Services): Promise<ExecutionResult> {
  const { admitted, sharing: _, ...caller } = args.contextValue;
  const result = await answer(args, createContext(services, caller, admitted));
  return { ...result, extensions: showCost(admitted) };
}

/**
 * Runs a subscription; each message is written as JSON, once for all that share it. A message gets a context of its
 * own, so that nothing loaded for one message is shown with the next.
 */
export async function runStream(
  args: Prepared,
  services: Services,
): Promise<AsyncIterableIterator<string> | ExecutionResult> {
  const { admitted, sharing, ...caller } = args.contextValue;
  const opening = createContext(services, caller, admitted);
  const source = await createSourceEventStream({ ...args, contextValue: opening }).finally(() =>
    opening.reading.end(),
  );
  if (!(Symbol.asyncIterator in source)) return formatResult(source, caller, services);
  const messages = source[Symbol.asyncIterator]();
  const write = async (rootValue: unknown): Promise<string> => {
    // Others wait for this answer too: it is not given up when this caller disconnects.
    const { signal } = new AbortController();
    const { acquire } = services.messageTurns;
    const ours = { identity: caller.identity, requestId: randomUUID(), signal, acquire };
    const context = createContext(services, ours, admitted);
    return JSON.stringify(await answer({ ...args, rootValue }, context));
  };
  let over = false;
  const stream: AsyncIterableIterator<string> = {
    next: async () => {
      if (over) return { value: undefined, done: true };
      try {
        const message: IteratorResult<unknown> = await messages.next();
        if (message.done === true) return { value: undefined, done: true };
        const { value } = message;
        const text = await services.answers(value as object, sharing, () => write(value));
        return { value: text, done: false };
      } catch (error) {
        over = true;
        await messages.return?.();
        const errors = [toError(error, caller, services)];
        return { value: JSON.stringify({ errors }), done: false };
      }
    },
    return: async () => {
      over = true;
      await messages.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]: () => stream,
  };
  return stream;
}

async function answer(
  args: Omit<ExecutionArgs, 'contextValue'>,
  context: Context,
): Promise<ExecutionResult> {
  try {
    const result = await execute({ ...args, contextValue: context });
    return formatResult(result, context, context.services);
  } finally {
    await context.reading.end();
  }
}

type Asking = Pick<Caller, 'identity' | 'requestId'>;

function formatResult(result: ExecutionResult, by: Asking, services: Services): ExecutionResult {
  if (!result.errors) return result;
  return { ...result, errors: result.errors.map((error) => toError(error, by, services)) };
}

/** An error as clients see it, logged if it is unexpected. */
function toError(error: unknown, by: Asking, { steps, log }: Services): GraphQLError {
  const graphQLError =
    error instanceof GraphQLError
      ? error
      : new GraphQLError('failed', { originalError: toCause(error) });
  steps.hideHints(by.identity, graphQLError);
  const formatted: GraphQLFormattedError = formatError(
    graphQLError.toJSON(),
    graphQLError,
    log.child({ requestId: by.requestId }),
  );
  const { message, extensions, path } = formatted;
  return new GraphQLError(message, { extensions: extensions ?? {}, path });
}

function toCause(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  return error.extensions['code'] === undefined
    ? new GraphQLError(error.message, { originalError: error, extensions: { code } })
    : error;
}
