import type { ExecutionArgs, ExecutionResult, GraphQLFormattedError } from 'graphql';
import {
  createSourceEventStream,
  execute,
  getOperationAST,
  GraphQLError,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import type { Admitted } from './admission.ts';
import { showCost } from './admission.ts';
import type { Caller, Context, Services } from './context.ts';
import { createContext } from './context.ts';
import { formatError } from './errors.ts';
import { limitRules, MAX_TOKENS } from './limits.ts';
import type { GraphQLRequest } from './request-steps.ts';

/** A request over a socket or an event stream that may run. */
export interface Prepared extends Omit<ExecutionArgs, 'contextValue'> {
  readonly contextValue: Caller & { readonly admitted: Admitted };
}

/** Takes the steps of every request. @returns errors if one of them refuses it */
export async function prepare(
  request: GraphQLRequest,
  caller: Caller,
  services: Services,
): Promise<Prepared | readonly GraphQLError[]> {
  const { schema, steps } = services;
  const fail = (error: unknown) => toError(error, caller, services);
  try {
    const text = await steps.accept(caller.identity, request);
    const document = parse(text, { maxTokens: MAX_TOKENS });
    const faults = validate(schema, document, [...specifiedRules, ...limitRules]);
    if (faults.length > 0) {
      return faults.map((fault) => fail(withCode(fault, 'GRAPHQL_VALIDATION_FAILED')));
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
    const contextValue = { ...caller, admitted };
    return { schema, document, operationName, variableValues, contextValue };
  } catch (error) {
    return [fail(error instanceof GraphQLError ? withCode(error, 'GRAPHQL_PARSE_FAILED') : error)];
  }
}

/** Runs a query or a mutation with a context of its own. */
export async function runOnce(args: Prepared, services: Services): Promise<ExecutionResult> {
  const { admitted, ...caller } = args.contextValue;
  const result = await answer(args, createContext(services, caller, admitted));
  return { ...result, extensions: showCost(admitted) };
}

/**
 * Runs a subscription. Each message gets a context of its own, so that nothing loaded for one message is
 * shown with the next.
 */
export async function runStream(
  args: Prepared,
  services: Services,
): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
  const { admitted, ...caller } = args.contextValue;
  const opening = createContext(services, caller, admitted);
  const source = await createSourceEventStream({ ...args, contextValue: opening }).finally(() =>
    opening.reading.end(),
  );
  if (!(Symbol.asyncIterator in source)) return formatResult(source, caller, services);
  const messages = source[Symbol.asyncIterator]();
  let over = false;
  const stream: AsyncIterableIterator<ExecutionResult> = {
    next: async () => {
      if (over) return { value: undefined, done: true };
      try {
        const message = await messages.next();
        if (message.done === true) return { value: undefined, done: true };
        const context = createContext(services, caller, admitted);
        return { value: await answer({ ...args, rootValue: message.value }, context), done: false };
      } catch (error) {
        over = true;
        return { value: { errors: [toError(error, caller, services)] }, done: false };
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
