import type { Store } from '../open.ts';

/** Who saw what, and why. */
export interface AccessLogEntry {
  readonly tenant: string | null;
  readonly role: string;
  readonly subject: string | null;
  readonly purpose: string | null;
  readonly object: string;
  readonly requestId: string;
}

/** Writes one entry and commits it: what is read afterwards can no longer go unlogged. */
export async function writeAccessLog({ prisma }: Store, entry: AccessLogEntry): Promise<void> {
  await prisma.$executeRaw`
    insert into access_log (tenant_id, role, subject, purpose, object, request_id)
    values ((select id from tenant where slug = ${entry.tenant ?? ''}), ${entry.role}, ${entry.subject},
      ${entry.purpose}, ${entry.object}, ${entry.requestId})`;
}
