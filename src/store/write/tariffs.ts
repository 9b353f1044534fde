import type { Tariff } from '../../core/premium/tariff.ts';
import type { Transaction } from '../open.ts';
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
      `${name} is no draft any more, and what was active never changes: give the document another version.`,
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
    where tenant_id = ${tenantRef} and id = ${name} for update`;
  if (!found) refuse('NOT_FOUND', `There is no tariff ${name}.`, 'tariffId');
  if (found.status !== 'DRAFT') {
    refuse('WRONG_STATE', `${name} is ${found.status}; only a DRAFT can be activated.`, 'tariffId');
  }
  const [other] = await tx.$queryRaw<{ id: string }[]>`
    select id from tariff where tenant_id = ${tenantRef} and product = ${found.product} and jurisdiction = ${found.jurisdiction}
      and effective_from = ${found.from}::date and status <> 'DRAFT'`;
  if (other) {
    refuse(
      'OVERLAP',
      `${other.id} already prices ${found.product} in ${found.jurisdiction} from ${found.from}: let this one start another day.`,
      'tariffId',
    );
  }
  await tx.$executeRaw`update tariff set status = 'ACTIVE' where tenant_id = ${tenantRef} and id = ${name}`;
  return name;
}
