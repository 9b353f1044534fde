import { createHash } from 'node:crypto';
import type { ASTNode, DocumentNode } from 'graphql';
import { Kind, visit } from 'graphql';
import type { Identity } from './identity.ts';

/** Arguments of a subscription that say from where and how fast it is sent, not what a message is. */
const OF_THE_SUBSCRIBER: ReadonlySet<string> = new Set(['after', 'maxPerSecond', 'present']);
/** Of the nodes above an argument of a root field, the operation. */
const OPERATION = 2;
const DEPTH = 7;

/**
 * Names what subscribers have in common that send the same subscription and have the same rights. Their messages are
 * worked out and written once.
 */
export function sharingKeyOf(
  text: string,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>>,
  { role, tenant, driver, microdata, subject }: Identity,
): string {
  const used = sharedVariables(document).map((name) => variables[name] ?? null);
  // What these roles read is logged with the subject of their token.
  const logged = role === 'CLAIMS' || role === 'ACTUARY' ? subject : null;
  const parts = [text, operationName ?? null, used, role, tenant, driver, microdata, logged];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}

const found = new WeakMap<DocumentNode, readonly string[]>();

/** The variables on which a message depends. */
function sharedVariables(document: DocumentNode): readonly string[] {
  const known = found.get(document);
  if (known) return known;
  const names = new Set<string>();
  visit(document, {
    VariableDefinition: () => false,
    Argument: ({ name }, _key, _parent, _path, ancestors) =>
      OF_THE_SUBSCRIBER.has(name.value) && isRootField(ancestors) ? false : undefined,
    Variable: ({ name }) => {
      names.add(name.value);
    },
  });
  const sorted = [...names].sort();
  found.set(document, sorted);
  return sorted;
}

function isRootField(ancestors: readonly (ASTNode | readonly ASTNode[])[]): boolean {
  const operation = ancestors[OPERATION];
  return (
    ancestors.length === DEPTH &&
    operation !== undefined &&
    'kind' in operation &&
    operation.kind === Kind.OPERATION_DEFINITION
  );
}

/** The written answer of a message; `work` runs for the first that asks with a key. */
export type SharedAnswers = (
  message: object,
  key: string,
  work: () => Promise<string>,
) => Promise<string>;

export function createSharedAnswers(): SharedAnswers {
  const answers = new WeakMap<object, Map<string, Promise<string>>>();
  return (message, key, work) => {
    const ofMessage = answers.get(message) ?? new Map<string, Promise<string>>();
    answers.set(message, ofMessage);
    const answer = ofMessage.get(key) ?? work();
    ofMessage.set(key, answer);
    return answer;
  };
}
