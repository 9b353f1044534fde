/** The roles that a token can have; the enum `Role` of schema.graphql is the same list. */
export const ROLES = ['DRIVER', 'INSURER', 'ACTUARY', 'CLAIMS', 'OPERATOR'] as const;

export type Role = (typeof ROLES)[number];
