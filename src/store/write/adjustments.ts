import type { BillAdjustment } from '../../core/premium/bills/adjustment.ts';
import { computeAdjustment, computeCreditNote } from '../../core/premium/bills/adjustment.ts';
import type { Bill } from '../../core/premium/bills/bill.ts';
import { disputedWithin } from '../../core/premium/bills/disputed.ts';
import { overlappingWithin } from '../../core/premium/bills/overlapping.ts';
import { exposureSince } from '../../core/premium/rating/exposure.ts';
import type { Transaction } from '../transaction.ts';
import { readBilledDriving } from '../read/billed-trips.ts';
import { readDeviceDays } from '../read/device-days.ts';
import type { Clerk, IssuedBill } from './billing.ts';
import {
  BILL_COLUMNS,
  findBill,
  giveNumberBack,
  holdBilledPolicy,
  keep,
  readCover,
  readCutOff,
  readTariffsByName,
  refuseUnratable,
  takeNumber,
} from './billing.ts';
import { refuse } from './once.ts';

/**
 * Issues what is to be paid or given back so that all bills in force of a policy are right by what is
 * known now. @returns the adjustment's id; null if there is nothing to adjust
 */
export async function adjustBills(
  tx: Transaction,
  clerk: Clerk,
  policyNumber: string,
): Promise<number | null> {
  const policy = await holdBilledPolicy(tx, clerk, policyNumber);
  const { cutOff } = await readCutOff(tx, policy);
  const bills = await readBillsInForce(tx, policy.ref);
  const [first, last] = [bills[0], bills.at(-1)];
  if (!first || !last) {
    refuse(
      'WRONG_STATE',
      `${policyNumber} has no bill to adjust. Issue one first (issueBill).`,
      'policyNumber',
    );
  }
  const cover = await readCover(tx, policy);
  const tariffs = await readTariffsByName(
    tx,
    bills.map(({ tariffName }) => tariffName),
  );
  const since = bills
    .flatMap(({ tariffName, from, to }) => {
      const tariff = tariffs.get(tariffName);
      return tariff ? [exposureSince(tariff, policy.startDate, { from, to })] : [];
    })
    .reduce((least, day) => (day < least ? day : least));
  const { leftOut, overlapping, ...driving } = await readBilledDriving(
    tx,
    policy.ref,
    cover,
    since,
    last.to,
    cutOff,
  );
  const [deviceDays] = [...tariffs.values()].some(({ silentDays }) => silentDays)
    ? await readDeviceDays(tx, [{ ...policy, vehicles: cover.vehicles }], since, cutOff)
    : [];
  const number = await takeNumber(tx, clerk, 'ADJUSTMENT');
  const made = computeAdjustment(
    number,
    bills.map(({ document }) => JSON.parse(document) as Bill),
    await readAdjustments(tx, policy.ref),
    {
      ...driving,
      disputed: disputedWithin(leftOut, first.from, last.to),
      overlapping: overlappingWithin(overlapping, first.from, last.to),
      policy: cover.policy,
      cutOff: cutOff.toISOString(),
      ...(deviceDays && { deviceDays }),
    },
    new Map([...tariffs.values()].map((tariff) => [tariff.hash, tariff])),
  );
  if (!made.ok) refuseUnratable(made.problems, 'policyNumber');
  if (made.adjustment.lines.every((line) => line.difference === line.settledBefore)) {
    await giveNumberBack(tx, clerk);
    return null;
  }
  const { product, jurisdiction } = last;
  return keep(tx, clerk, policy, made.adjustment, number, made.bytes, {
    kind: 'ADJUSTMENT',
    from: first.from,
    to: last.to,
    product,
    jurisdiction,
    tariffName: null,
    cutOff,
    reason: null,
  });
}

/** Takes a bill back, together with its adjustments; its days may then be billed again. @returns the credit note's id */
export async function creditBill(
  tx: Transaction,
  clerk: Clerk,
  billNumber: string,
  reason: string,
): Promise<number> {
  const { policyNumber } = await findBill(tx, clerk, billNumber);
  const policy = await holdBilledPolicy(tx, clerk, policyNumber);
  const { cutOff } = await readCutOff(tx, policy);
  const bill = await findBill(tx, clerk, billNumber);
  if (bill.creditNote !== null) {
    refuse(
      'WRONG_STATE',
      `${billNumber} was already credited by ${bill.creditNote}.`,
      'billNumber',
    );
  }
  const tariff = (await readTariffsByName(tx, [bill.tariffName])).get(bill.tariffName);
  const number = await takeNumber(tx, clerk, 'CREDIT_NOTE');
  const { note, bytes } = computeCreditNote(
    number,
    JSON.parse(bill.document) as Bill,
    await readAdjustments(tx, policy.ref),
    tariff?.document.rounding.places ?? 2,
    reason,
  );
  const { from, to, product, jurisdiction, tariffName } = bill;
  const ref = await keep(tx, clerk, policy, note, number, bytes, {
    kind: 'CREDIT_NOTE',
    from,
    to,
    product,
    jurisdiction,
    tariffName,
    cutOff,
    reason,
  });
  await tx.$executeRaw`update bill set credited_by = ${ref}, changed = pg_current_xact_id() where id = ${bill.ref}`;
  return ref;
}

/** The bills in force of a policy, in the order of their periods. */
async function readBillsInForce(tx: Transaction, policyRef: number): Promise<IssuedBill[]> {
  return tx.$queryRaw`
    select ${BILL_COLUMNS} from bill b
    where b.policy_id = ${policyRef} and b.kind = 'BILL' and b.credited_by is null order by b.from_date`;
}

/** A policy's adjustments, in the order of their issue. */
async function readAdjustments(tx: Transaction, policyRef: number): Promise<BillAdjustment[]> {
  const rows = await tx.$queryRaw<{ document: string }[]>`
    select document from bill where policy_id = ${policyRef} and kind = 'ADJUSTMENT' order by id`;
  return rows.map(({ document }) => JSON.parse(document) as BillAdjustment);
}
