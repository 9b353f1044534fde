import { Prisma } from '../generated/client.ts';

/** The ids of the tenants whose rows the reader may see: their own, or all for the operator. */
export const TENANTS = Prisma.sql`select id from tenant where id = current_tenant() or current_user = 'odograph_operator'`;
