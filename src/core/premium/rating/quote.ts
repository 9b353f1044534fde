import { formatDay } from '../../civil.ts';
import { hashOf } from '../exact/canonical.ts';
import { checkInput } from './check.ts';
import { explainLine } from './explain.ts';
import { formatScaled } from '../exact/fraction.ts';
import type { RatingInput } from './input.ts';
import { PREMIUM_ENGINE, type Premium } from './premium.ts';
import type { Fault } from '../exact/fault.ts';
import { showScaled, showYear } from './show.ts';
import { snapshotOf } from './snapshot.ts';
import type { Tariff } from '../tariff/tariff.ts';
import { computeSheets, type NumericLine, type YearSheet } from './worksheet.ts';

export type Quoted =
  | { readonly ok: true; readonly premium: Premium }
  | { readonly ok: false; readonly problems: readonly Fault[] };

/** Lines of all policy years under one another; the same line of two years is one. */
function mergeLines(sheets: readonly YearSheet[]): NumericLine[] {
  const merged = new Map<string, NumericLine>();
  for (const line of sheets.flatMap((sheet) => sheet.lines)) {
    const key = JSON.stringify([line.vehicleId ?? null, line.id]);
    const sum = merged.get(key);
    if (sum === undefined) merged.set(key, { ...line });
    else {
      sum.quantity += line.quantity;
      sum.scaled += line.scaled;
      sum.minor += line.minor;
    }
  }
  return [...merged.values()];
}

function crossing(sheets: readonly YearSheet[], why: string): Fault {
  const anniversary = formatDay(sheets[1]?.year.start ?? 0);
  return {
    code: 'CROSSES_POLICY_YEAR',
    path: '/period',
    message: `a period of this tariff must lie within one policy year, since ${why}; quote to ${anniversary}, then from it`,
  };
}

/**
 * The premium of a period: a pure function of tariff, input and cut-off. `cutOff` is the instant up
 * to which data were taken (RFC 3339); it is written down, the rows themselves are the caller's.
 */
export function quote(tariff: Tariff, input: RatingInput, cutOff: string): Quoted {
  const checked = checkInput(input);
  if (!('period' in checked)) return { ok: false, problems: checked };
  const sheets = computeSheets(tariff, checked);
  if ('problems' in sheets) return { ok: false, problems: sheets.problems };
  if (sheets.length > 1 && tariff.addsOverTime !== true)
    return { ok: false, problems: [crossing(sheets, tariff.addsOverTime)] };
  const { document } = tariff;
  const { places } = document.rounding;
  const total = sheets.reduce((sum, sheet) => sum + sheet.total, 0n);
  const lines = mergeLines(sheets)
    .filter((line) => line.kind !== 'CLAMP' || line.scaled !== 0n)
    .map((line) => ({
      id: line.id,
      kind: line.kind,
      ...(line.vehicleId === undefined ? {} : { vehicleId: line.vehicleId }),
      ...explainLine(tariff, sheets, line),
      amount: formatScaled(line.minor, places),
      unrounded: showScaled(line.scaled),
    }));
  return {
    ok: true,
    premium: {
      engine: PREMIUM_ENGINE,
      policyNumber: input.policy.number,
      from: input.period.from,
      to: input.period.to,
      currency: document.currency,
      total: formatScaled(total, places),
      lines,
      worksheet: {
        rounding: `${tariff.addsOverTime === true ? 'the running total of the policy year' : 'the premium of the period'} is rounded to ${places} decimals, a half upwards; lines share the total by largest remainder`,
        addsOverTime: tariff.addsOverTime === true ? 'yes' : tariff.addsOverTime,
        years: sheets.map((sheet) => showYear(tariff, sheet)),
      },
      tariff: { id: document.id, version: document.version, hash: tariff.hash },
      dataCutoff: cutOff,
      inputsHash: hashOf(snapshotOf(input, cutOff)),
    },
  };
}
