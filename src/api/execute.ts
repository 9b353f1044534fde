import type { ExecutionArgs, ExecutionResult, GraphQLFormattedError, GraphQLSchema } from 'graphql';
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
import type { Asker, Context, Services } from './context.ts';
import { createContext } from './context.ts';
import { formatError } from './errors.ts';
import { limitRules, MAX_TOKENS, refuseConditionalSubscription } from './limits.ts';

/** What a client asks over a socket or an event stream. */
export interface Question {
  readonly query?: string | null | undefined;
  readonly operationName?: string | null | undefined;
  readonly variables?: Record<string, unknown> | null | undefined;
  readonly extensions?: Record<string, unknown> | null | undefined;
}

/** A question that may be run. */
export interface Prepared extends Omit<ExecutionArgs, 'contextValue'> {
  readonly contextValue: Asker & { readonly admitted: Admitted };
}

/** Checks a question by the rules that HTTP has; an answer of errors if it does not pass. */
export async function prepare(
  schema: GraphQLSchema,
  question: Question,
  asker: Asker,
  services: Services,
): Promise<Prepared | readonly GraphQLError[]> {
  const { admission, operations } = services;
  const log = services.log.child({ requestId: asker.requestId });
  try {
    await admission.knock(asker.identity);
    const text = operations.resolve(question);
    const document = parse(text, { maxTokens: MAX_TOKENS });
    refuseConditionalSubscription(document);
    const faults = validate(schema, document, [...specifiedRules, ...limitRules]);
    if (faults.length > 0) {
      return faults.map((fault) =>
        toError(withCode(withoutHints(fault), 'GRAPHQL_VALIDATION_FAILED'), log),
      );
    }
    const operation = getOperationAST(document, question.operationName);
    if (!operation) {
      return [
        toError(
          new GraphQLError('Say by operationName which operation is meant.', {
            extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
          }),
          log,
        ),
      ];
    }
    const variableValues = question.variables ?? {};
    const admitted = await admission.admit(asker.identity, document, operation, variableValues);
    const operationName = operation.name?.value ?? null;
    const contextValue = { ...asker, admitted };
    return { schema, document, operationName, variableValues, contextValue };
  } catch (error) {
    return [
      toError(error instanceof GraphQLError ? withCode(error, 'GRAPHQL_PARSE_FAILED') : error, log),
    ];
  }
}

/** Runs a query or a mutation with a context of its own. */
export async function runOnce(args: Prepared, services: Services): Promise<ExecutionResult> {
  const { admitted, ...asker } = args.contextValue;
  const result = await answer(args, createContext(services, asker, admitted));
  return { ...result, extensions: showCost(admitted) };
}

/**
 * Runs a subscription. Each message is answered with a context of its own: nothing that was loaded
 * for one is shown with the next.
 */
export async function runStream(
  args: Prepared,
  services: Services,
): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
  const { admitted, ...asker } = args.contextValue;
  const opening = createContext(services, asker, admitted);
  const log = opening.log;
  const source = await createSourceEventStream({ ...args, contextValue: opening }).finally(() =>
    opening.reading.end(),
  );
  if (!(Symbol.asyncIterator in source)) return formatResult(source, log);
  const messages = source[Symbol.asyncIterator]();
  let over = false;
  const stream: AsyncIterableIterator<ExecutionResult> = {
    next: async () => {
      if (over) return { value: undefined, done: true };
      try {
        const message = await messages.next();
        if (message.done === true) return { value: undefined, done: true };
        const context = createContext(services, asker, admitted);
        return { value: await answer({ ...args, rootValue: message.value }, context), done: false };
      } catch (error) {
        over = true;
        return { value: { errors: [toError(error, log)] }, done: false };
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
    return formatResult(await execute({ ...args, contextValue: context }), context.log);
  } finally {
    await context.reading.end();
  }
}

function formatResult(result: ExecutionResult, log: Services['log']): ExecutionResult {
  if (!result.errors) return result;
  return { ...result, errors: result.errors.map((error) => toError(error, log)) };
}

function toError(error: unknown, log: Services['log']): GraphQLError {
  const { message, extensions, path } = toFormatted(error, log);
  return new GraphQLError(message, { extensions: extensions ?? {}, path });
}

function toFormatted(error: unknown, log: Services['log']): GraphQLFormattedError {
  const graphQLError =
    error instanceof GraphQLError
      ? error
      : new GraphQLError('failed', { originalError: toCause(error) });
  return formatError(graphQLError.toJSON(), graphQLError, log);
}

/** Names of the schema are not guessed for who does not know them, as over HTTP. */
function withoutHints(error: GraphQLError): GraphQLError {
  const message = error.message.replace(/ ?Did you mean(.+?)\?$/, '');
  return new GraphQLError(message, { originalError: error, extensions: error.extensions });
}

function toCause(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  return error.extensions['code'] === undefined
    ? new GraphQLError(error.message, { originalError: error, extensions: { code } })
    : error;
}
