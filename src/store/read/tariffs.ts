import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../open.ts';
import type { Page, PageRequest } from './page.ts';
import { keysetOf, toPage } from './page.ts';

export interface TariffRow {
  readonly tenantRef: number;
  readonly name: string;
  readonly product: string;
  readonly jurisdiction: string;
  readonly effectiveFrom: string;
  readonly status: 'DRAFT' | 'ACTIVE' | 'RETIRED';
  /** Canonical JSON, RFC 8785. */
  readonly document: string;
  readonly hash: string;
  readonly createdAt: Date;
}

const COLUMNS = Prisma.sql`tenant_id as "tenantRef", id as name, product, jurisdiction, effective_from::text as "effectiveFrom",
  status, document, hash, created_at as "createdAt"`;

export async function readTariff(tx: Transaction, name: string): Promise<TariffRow | null> {
  const [row] = await tx.$queryRaw<TariffRow[]>`
    select ${COLUMNS} from tariff where tenant_id = current_tenant() and id = ${name}`;
  return row ?? null;
}

export async function readTariffPage(
  tx: Transaction,
  page: PageRequest<string>,
): Promise<Page<TariffRow>> {
  const keyset = keysetOf([Prisma.sql`id`], 'ASC', page, (name) => [Prisma.sql`${name}`]);
  const rows = await tx.$queryRaw<TariffRow[]>`
    select ${COLUMNS} from tariff where tenant_id = current_tenant()${keyset.where}
    order by ${keyset.order} limit ${keyset.limit}`;
  return toPage(rows, page);
}
