import type { DocumentNode, GraphQLError, OperationDefinitionNode } from 'graphql';
import { parse } from 'graphql';
import type { Admission, Admitted } from './admission.ts';
import type { GraphQLRequest } from './graphql-request.ts';
import type { Authenticate, Identity } from './identity.ts';
import { MAX_TOKENS, refuseConditionalSubscription } from './limits.ts';
import type { Operations } from './operations.ts';

/**
 * The steps of every request, in the order of this interface, whatever its transport: HTTP, WebSocket or
 * server-sent events. Between `accept` and `admit` the transport parses and validates the text.
 */
export interface RequestSteps {
  /** The caller, from the header `Authorization`. @throws UNAUTHENTICATED */
  authenticate: Authenticate;
  /** Deducts the point of a request without GraphQL. @throws RATE_LIMITED */
  takePoint(identity: Identity): Promise<void>;
  /**
   * Deducts a point, resolves a persisted text and refuses a conditional subscription.
   * @returns the text to parse
   * @throws RATE_LIMITED, BAD_REQUEST, PERSISTED_QUERY_NOT_FOUND, PERSISTED_QUERY_NOT_IN_LIST,
   *   GRAPHQL_VALIDATION_FAILED
   */
  accept(identity: Identity, request: GraphQLRequest): Promise<string>;
  /** Checks what a valid operation may do and cost. @throws as `Admission.admit` */
  admit(
    identity: Identity,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Readonly<Record<string, unknown>>,
  ): Promise<Admitted>;
  /** Removes "Did you mean …?", which names parts of the schema, for callers that may not read it. */
  hideHints(identity: Identity, error: GraphQLError): void;
}

export function createRequestSteps({
  authenticate,
  admission,
  operations,
}: {
  authenticate: Authenticate;
  admission: Admission;
  operations: Operations;
}): RequestSteps {
  return {
    authenticate,
    takePoint: admission.takePoint,
    accept: async (identity, request) => {
      await admission.takePoint(identity);
      const text = operations.resolve(request);
      checkSubscription(text);
      return text;
    },
    admit: admission.admit,
    hideHints: (identity, error) => {
      if (admission.mayReadSchema(identity)) return;
      error.message = error.message.replace(/ ?Did you mean(.+?)\?$/, '');
    },
  };
}

/** Runs before the validation rules, because graphql's own rule throws for an ill-formed condition. */
function checkSubscription(text: string): void {
  if (!text.includes('subscription')) return;
  let document: DocumentNode;
  try {
    document = parse(text, { maxTokens: MAX_TOKENS });
  } catch {
    // The transport reports syntax errors.
    return;
  }
  refuseConditionalSubscription(document);
}
