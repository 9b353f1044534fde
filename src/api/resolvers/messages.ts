/**
 * Resolver of a subscription field whose stream yields the field's own model. Generated types do not know
 * what a stream yields.
 */
export const toMessage = (message: unknown): never => message as never;
