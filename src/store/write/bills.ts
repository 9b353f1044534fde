import { composeBill, recomposeBill } from '../../core/premium/bills/bill.ts';
import { disputedWithin } from '../../core/premium/bills/disputed.ts';
import { overlappingWithin } from '../../core/premium/bills/overlapping.ts';
import { exposureSince } from '../../core/premium/rating/exposure.ts';
import type { Transaction } from '../transaction.ts';
import { readBilledDriving } from '../read/billed-trips.ts';
import { readDeviceDays } from '../read/device-days.ts';
import { findPricing } from '../read/pricing.ts';
import type { Clerk } from './billing.ts';
import {
  findBill,
  holdBilledPolicy,
  keep,
  readCover,
  readCutOff,
  readTariffsByName,
  refuseUnratable,
  sayProblems,
  takeNumber,
} from './billing.ts';
import { refuse } from './once.ts';
import { holdPricing } from './tariffs.ts';

/**
 * Issues the bill of a period that is over, from what was read of the log so far. A lock on the policy
 * serialises concurrent calls, and a period is billed once. @returns the bill's id
 */
export async function issueBill(
  tx: Transaction,
  clerk: Clerk,
  policyNumber: string,
  from: string,
  to: string,
): Promise<number> {
  if (from >= to) refuse('INVALID', `to is ${to}; it must be after from, ${from}.`, 'to');
  const policy = await holdBilledPolicy(tx, clerk, policyNumber);
  const { cutOff, today } = await readCutOff(tx, policy);
  if (to > today) {
    refuse(
      'WRONG_STATE',
      `Driving is known up to ${cutOff.toISOString()}, ${today} in ${policy.timeZone}. The period ends on ${to}; bill it after that.`,
      'to',
    );
  }
  const [other] = await tx.$queryRaw<{ number: string; from: string; to: string }[]>`
    select number, from_date::text as from, to_date::text as to from bill
    where policy_id = ${policy.ref} and kind = 'BILL' and credited_by is null
      and from_date < ${to}::date and to_date > ${from}::date order by from_date limit 1`;
  if (other) {
    refuse('OVERLAP', `${other.number} already bills ${other.from} to ${other.to}.`, 'from');
  }
  const cover = await readCover(tx, policy);
  for (const product of cover.products) await holdPricing(tx, clerk.tenantRef, product);
  const pricing = await findPricing(tx, policy, cover.products, from, to);
  if (!pricing.ok) refuse(pricing.code, pricing.message, 'from');
  const { row, tariff } = pricing;
  const period = { from, to };
  const since = exposureSince(tariff, policy.startDate, period);
  const driving = await readBilledDriving(tx, policy.ref, cover, since, to, cutOff);
  const [deviceDays] = tariff.silentDays
    ? await readDeviceDays(tx, [{ ...policy, vehicles: cover.vehicles }], since, cutOff)
    : [];
  const number = await takeNumber(tx, clerk, 'BILL');
  const input = {
    policy: cover.policy,
    period,
    exposure: driving.exposure,
    ...(deviceDays && { deviceDays }),
  };
  const made = composeBill(number, tariff, input, cutOff.toISOString(), driving.trips, {
    disputed: disputedWithin(driving.leftOut, from, to),
    overlapping: overlappingWithin(driving.overlapping, from, to),
  });
  if (!made.ok) refuseUnratable(made.problems, 'policyNumber');
  const { product, jurisdiction, name: tariffName } = row;
  return keep(tx, clerk, policy, made.bill.premium, number, made.bytes, {
    kind: 'BILL',
    from,
    to,
    product,
    jurisdiction,
    tariffName,
    cutOff,
    reason: null,
  });
}

/** Recalculates a bill from its own inputs. @returns its id, and whether every byte is the same */
export async function recalculateBill(
  tx: Transaction,
  clerk: Clerk,
  number: string,
): Promise<{ readonly ref: number; readonly same: boolean }> {
  const { ref, tariffName, document } = await findBill(tx, clerk, number);
  const tariff = (await readTariffsByName(tx, [tariffName])).get(tariffName);
  if (!tariff) throw new Error(`the tariff ${tariffName} of bill ${number} is missing`);
  const made = recomposeBill(document, tariff);
  if (!made.ok) {
    refuse('WRONG_STATE', `${number}: ${sayProblems(made.problems)}`, 'billNumber');
  }
  return { ref, same: made.same };
}
