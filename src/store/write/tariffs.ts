import type { Tariff } from '../../core/premium/tariff/tariff.ts';
import type { Transaction } from '../transaction.ts';
import { refuse } from './once.ts';

/** A tariff's name in the store: one row a version of a document. */
function nameOf({ document }: Tariff): string {
  return `${document.id}@${document.version}`;
}

/** Keeps a checked tariff as a draft; its name. */
export async function keepDraft(
  tx: Transaction,
  tenantRef: number,
  tariff: Tariff,
): Promise<string> {
  const { product, jurisdiction, effectiveFrom } = tariff.document;
  const name = nameOf(tariff);
  const [kept] = await tx.$queryRaw<{ id: string }[]>`
    insert into tariff (tenant_id, id, product, jurisdiction, effective_from, document, hash)
    values (${tenantRef}, ${name}, ${product}, ${jurisdiction}, ${effectiveFrom}::date, ${tariff.canonical}, ${tariff.hash})
    on conflict (tenant_id, id) do update set product = excluded.product, jurisdiction = excluded.jurisdiction,
      effective_from = excluded.effective_from, document = excluded.document, hash = excluded.hash
    where tariff.status = 'DRAFT' returning id`;
  return (
    kept?.id ??
    refuse(
      'WRONG_STATE',
      `${name} is no longer a draft, and a tariff never changes once it was active. Give the document another version.`,
      'document',
    )
  );
}

/** Makes a draft price from its start on; its name. */
export async function activateTariff(
  tx: Transaction,
  tenantRef: number,
  name: string,
): Promise<string> {
  const [found] = await tx.$queryRaw<
    { status: string; from: string; product: string; jurisdiction: string }[]
  >`select status, effective_from::text as from, product, jurisdiction from tariff
    where tenant_id = ${tenantRef} and id = ${name} for no key update`;
  if (!found) refuse('NOT_FOUND', `There is no tariff ${name}.`, 'tariffId');
  if (found.status !== 'DRAFT') {
    refuse('WRONG_STATE', `${name} is ${found.status}; only a DRAFT can be activated.`, 'tariffId');
  }
  await holdPricing(tx, tenantRef, found, 'alone');
  const [other] = await tx.$queryRaw<{ id: string }[]>`
    select id from tariff where tenant_id = ${tenantRef} and product = ${found.product} and jurisdiction = ${found.jurisdiction}
      and effective_from = ${found.from}::date and status = 'ACTIVE'`;
  if (other) {
    refuse(
      'OVERLAP',
      `${other.id} already prices ${found.product} in ${found.jurisdiction} from ${found.from}: let this one start another day.`,
      'tariffId',
    );
  }
  const [billed] = await tx.$queryRaw<{ number: string; to: string }[]>`
    select number, to_date::text as to from bill where tenant_id = ${tenantRef} and product = ${found.product}
      and jurisdiction = ${found.jurisdiction} and kind = 'BILL' and credited_by is null and to_date > ${found.from}::date
    order by to_date desc limit 1`;
  if (billed) {
    refuse(
      'OVERLAP',
      `${found.product} in ${found.jurisdiction} is billed up to ${billed.to}, by ${billed.number}: let this tariff start then or later, not on ${found.from}.`,
      'tariffId',
    );
  }
  await tx.$executeRaw`update tariff set status = 'ACTIVE', changed = pg_current_xact_id() where tenant_id = ${tenantRef} and id = ${name}`;
  return name;
}

/** Retires a tariff that no bill in force was made with: it no longer prices anything. @returns its name */
export async function retireTariff(
  tx: Transaction,
  tenantRef: number,
  name: string,
): Promise<string> {
  const [found] = await tx.$queryRaw<{ status: string; product: string; jurisdiction: string }[]>`
    select status, product, jurisdiction from tariff where tenant_id = ${tenantRef} and id = ${name} for no key update`;
  if (!found) refuse('NOT_FOUND', `There is no tariff ${name}.`, 'tariffId');
  if (found.status !== 'ACTIVE') {
    refuse('WRONG_STATE', `${name} is ${found.status}; only an ACTIVE one is retired.`, 'tariffId');
  }
  await holdPricing(tx, tenantRef, found, 'alone');
  const [billed] = await tx.$queryRaw<{ number: string; bills: number }[]>`
    select min(number) as number, count(*)::int as bills from bill
    where tenant_id = ${tenantRef} and tariff_id = ${name} and kind = 'BILL' and credited_by is null having count(*) > 0`;
  if (billed) {
    refuse(
      'WRONG_STATE',
      `${name} made ${billed.bills} bills in force, ${billed.number} the first; activate its successor instead, with a later start.`,
      'tariffId',
    );
  }
  await tx.$executeRaw`update tariff set status = 'RETIRED', changed = pg_current_xact_id() where tenant_id = ${tenantRef} and id = ${name}`;
  return name;
}

/**
 * Holds which tariffs price a product in a jurisdiction until the transaction ends: bills are issued side
 * by side, and a tariff comes or goes while none is.
 */
export async function holdPricing(
  tx: Transaction,
  tenantRef: number,
  { product, jurisdiction }: { readonly product: string; readonly jurisdiction: string },
  how: 'shared' | 'alone' = 'shared',
): Promise<void> {
  const key = JSON.stringify(['pricing', product, jurisdiction]);
  if (how === 'alone') {
    await tx.$executeRaw`select pg_advisory_xact_lock(hashtextextended(${key}, ${tenantRef}))`;
  } else {
    await tx.$executeRaw`select pg_advisory_xact_lock_shared(hashtextextended(${key}, ${tenantRef}))`;
  }
}
