import { Prisma } from '../generated/client.ts';
import type { Transaction } from '../transaction.ts';
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

/** Tariffs by name, of whatever status. */
export async function readTariffs(tx: Transaction, names: readonly string[]): Promise<TariffRow[]> {
  return tx.$queryRaw`
    select ${COLUMNS} from tariff where tenant_id = current_tenant() and id = any(${names}::text[])`;
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

/** The tariffs that price a product from some day of a period on: the one in force at its start, then those that follow within it. */
export async function readTariffsInForce(
  tx: Transaction,
  { product, jurisdiction }: { readonly product: string; readonly jurisdiction: string },
  from: string,
  to: string,
): Promise<TariffRow[]> {
  return tx.$queryRaw`
    select ${COLUMNS} from tariff where tenant_id = current_tenant() and product = ${product} and jurisdiction = ${jurisdiction}
      and status = 'ACTIVE' and effective_from < ${to}::date and effective_from >= coalesce(
        (select max(effective_from) from tariff where tenant_id = current_tenant() and product = ${product}
          and jurisdiction = ${jurisdiction} and status = 'ACTIVE' and effective_from <= ${from}::date), ${from}::date)
    order by effective_from`;
}
