import { formatDay } from '../civil.ts';
import { hashOf } from './canonical.ts';
import { checkInput } from './check.ts';
import { formatFraction, formatScaled, ratio, type Fraction } from './fraction.ts';
import type { RatingInput } from './input.ts';
import { LOG_PLACES } from './logarithm.ts';
import type { Problem } from './problem.ts';
import { snapshotOf } from './snapshot.ts';
import type { Tariff } from './tariff.ts';
import {
  computeSheets,
  exactTotal,
  type LineKind,
  type NumericLine,
  type VehicleSheet,
  type YearSheet,
} from './worksheet.ts';

/** Named in every premium; raised with any change that could move a cent or a byte. */
export const PREMIUM_ENGINE = 'odograph.premium/1';

/** One line of a premium; all lines add up to its total. */
export interface PremiumLine {
  readonly id: string;
  readonly kind: LineKind;
  /** Absent on the policy's own lines. */
  readonly vehicleId?: string;
  readonly label: string;
  /** Of charges: how many units were billed. */
  readonly quantity?: string;
  readonly unit?: string;
  /** Of charges, the price of one unit before factors; of factors, the relativity where it is one. */
  readonly rate?: string;
  /** In the premium's currency. */
  readonly amount: string;
  /** The amount before the total was rounded and shared out, to 8 decimals. */
  readonly unrounded: string;
  readonly explanation: string;
}

/** A capped day as people are shown it. */
interface ShownCappedDay {
  readonly localDate: string;
  readonly driven: string;
  readonly billed: string;
  readonly unit: string;
  readonly by: 'DAY' | 'YEAR';
}

interface SpanSheet {
  readonly from: string;
  readonly to: string;
  readonly days: number;
  readonly charges: readonly {
    readonly id: string;
    readonly quantity: string;
    readonly unit: string;
    readonly rate: string;
    readonly amount: string;
  }[];
  readonly factors: readonly {
    readonly id: string;
    readonly value: string;
    readonly relativity: string;
  }[];
}

interface HabitsSheet {
  readonly windowFrom: string;
  readonly windowTo: string;
  readonly km: string;
  readonly habits: readonly {
    readonly id: string;
    readonly z: string;
    readonly mean: string;
    readonly coefficient: string;
  }[];
  readonly raw: string;
  readonly clamped: string;
  readonly credibility: string;
  readonly factor: string;
}

/** How the lines came about, step by step. */
export interface Worksheet {
  readonly rounding: string;
  /** Whether bills of adjoining periods add to the cent: "yes", or why not. */
  readonly addsOverTime: string;
  readonly years: readonly {
    readonly policyYearFrom: string;
    readonly policyYearTo: string;
    readonly days: number;
    readonly from: string;
    readonly to: string;
    readonly runningTotalBefore?: string;
    readonly runningTotalAfter?: string;
    readonly unroundedTotal: string;
    readonly total: string;
    readonly vehicles: readonly {
      readonly vehicleId: string;
      readonly spans: readonly SpanSheet[];
      readonly habits?: HabitsSheet;
      readonly cappedDays: readonly ShownCappedDay[];
      readonly estimatedKm: string;
      readonly uncoveredKm: string;
    }[];
  }[];
}

/** A premium with everything needed to argue about it. Plain data: it is what a bill keeps. */
export interface Premium {
  readonly engine: string;
  readonly policyNumber: string;
  readonly from: string;
  readonly to: string;
  readonly currency: string;
  readonly total: string;
  readonly lines: readonly PremiumLine[];
  readonly worksheet: Worksheet;
  readonly tariff: { readonly id: string; readonly version: string; readonly hash: string };
  /** The instant up to which data were taken, as the caller said it. */
  readonly dataCutoff: string;
  readonly inputsHash: string;
}

export type Quoted =
  | { readonly ok: true; readonly premium: Premium }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const SHOWN_PLACES = 8;
const show = (value: Fraction): string => formatFraction(value, SHOWN_PLACES);
const showScaled = (value: bigint): string =>
  formatFraction({ n: value, d: 10n ** BigInt(LOG_PLACES) }, SHOWN_PLACES);
const km = (metres: number): string => formatFraction(ratio(metres, 1000), 3);

function chargeParts(tariff: Tariff) {
  return new Map(tariff.charges.flatMap((c) => c.parts.map((p) => [p.id, p] as const)));
}

function vehicleWorksheet(
  tariff: Tariff,
  sheet: VehicleSheet,
): Worksheet['years'][number]['vehicles'][number] {
  const capUnit = tariff.charges.find((c) => c.kind.startsWith('perKm/'))?.parts[0];
  const inUnit = (mm: number): string => formatFraction(ratio(mm, capUnit?.perUnit ?? 1), 3);
  const { habits } = sheet;
  return {
    vehicleId: sheet.vehicleId,
    spans: sheet.spans.flatMap((span, s) => {
      if (!span.inPeriod) return [];
      const charges = tariff.charges.flatMap((charge, c) =>
        charge.parts.map((part, p) => {
          const charged = sheet.charged[c]?.[s]?.[p];
          return {
            id: part.id,
            quantity: formatFraction(ratio(charged?.quantity ?? 0, part.perUnit), 6),
            unit: part.unit,
            rate: part.rate,
            amount: show(charged?.amount ?? ratio(0, 1)),
          };
        }),
      );
      const factors = tariff.factors.map((factor, f) => ({
        id: factor.id,
        value: sheet.factors[s]?.[f]?.value ?? '',
        relativity: sheet.factors[s]?.[f]?.relativity.text ?? '',
      }));
      const days = span.to - span.from;
      return [{ from: formatDay(span.from), to: formatDay(span.to), days, charges, factors }];
    }),
    ...(habits === undefined
      ? {}
      : {
          habits: {
            windowFrom: formatDay(habits.windowFrom),
            windowTo: formatDay(habits.windowTo),
            km: km(habits.distanceM),
            habits: habits.parts.map(({ id, z, mean, coefficient }) => ({
              id,
              z: show(z),
              mean,
              coefficient,
            })),
            raw: show(habits.raw),
            clamped: show(habits.clamped),
            credibility: show(habits.credibility),
            factor: formatFraction(habits.final, 9),
          },
        }),
    cappedDays: sheet.cappedDays.map(({ day, drivenM, billedMm, by }) => ({
      localDate: formatDay(day),
      driven: inUnit(drivenM * 1000),
      billed: inUnit(billedMm),
      unit: capUnit?.unit ?? '',
      by,
    })),
    estimatedKm: km(sheet.estimatedM),
    uncoveredKm: km(sheet.uncoveredM),
  };
}

function yearWorksheet(tariff: Tariff, sheet: YearSheet): Worksheet['years'][number] {
  return {
    policyYearFrom: formatDay(sheet.year.start),
    policyYearTo: formatDay(sheet.year.end),
    days: sheet.year.end - sheet.year.start,
    from: formatDay(sheet.period.from),
    to: formatDay(sheet.period.to),
    ...(sheet.before === undefined
      ? {}
      : { runningTotalBefore: show(sheet.before), runningTotalAfter: show(sheet.after) }),
    unroundedTotal: show(exactTotal(sheet)),
    total: formatScaled(sheet.total, tariff.document.rounding.places),
    vehicles: sheet.vehicles.map((v) => vehicleWorksheet(tariff, v)),
  };
}

/** The one relativity or value that held over all rated spans of a vehicle, if it was one. */
function only(values: readonly string[]): string | undefined {
  const distinct = [...new Set(values)];
  return distinct.length === 1 ? distinct[0] : undefined;
}

type Dressing = Pick<PremiumLine, 'label' | 'explanation'> &
  Partial<Pick<PremiumLine, 'quantity' | 'unit' | 'rate'>>;

function dress(tariff: Tariff, sheets: readonly YearSheet[], line: NumericLine): Dressing {
  const vehicles = sheets.flatMap((s) => s.vehicles.filter((v) => v.vehicleId === line.vehicleId));
  if (line.kind === 'CHARGE') {
    const part = chargeParts(tariff).get(line.id);
    if (part === undefined) throw new Error(`line ${line.id} has no charge`);
    const quantity = formatFraction(ratio(line.quantity, part.perUnit), 3);
    const { label, unit, rate } = part;
    return {
      label,
      quantity,
      unit,
      rate,
      explanation: `${quantity} ${unit} at ${rate} a ${part.rateUnit}`,
    };
  }
  if (line.kind === 'FACTOR') {
    const at = tariff.factors.findIndex((f) => f.id === line.id);
    const held = vehicles.flatMap((v) =>
      v.factors.filter((_, s) => v.spans[s]?.inPeriod).map((f) => f[at]),
    );
    const value = only(held.map((f) => f?.value ?? ''));
    const rate = only(held.map((f) => f?.relativity.text ?? ''));
    return {
      label: tariff.factors[at]?.label ?? line.id,
      ...(rate === undefined ? {} : { rate }),
      explanation:
        value !== undefined && rate !== undefined
          ? `${tariff.factors[at]?.fact} ${value}: × ${rate}`
          : `${tariff.factors[at]?.fact} changed: ${held.map((f) => `${f?.value} × ${f?.relativity.text}`).join(', then ')}`,
    };
  }
  const behaviour = tariff.behaviour;
  if (line.kind === 'ADJUSTMENT') {
    const step = tariff.adjustments.find((a) => a.id === line.id);
    if (step === undefined) throw new Error(`line ${line.id} has no step`);
    return { label: step.label, rate: step.rate, explanation: step.explanation };
  }
  const outcomes = vehicles.flatMap((v) => (v.habits ? [v.habits] : []));
  if (line.kind === 'HABIT') {
    const parts = outcomes.flatMap((o) => o.parts.filter((p) => p.id === line.id));
    const seen = parts.map((p) => `${formatFraction(p.z, 4)} against ${p.mean} on average`);
    return { label: parts[0]?.label ?? line.id, explanation: seen.join(', then ') };
  }
  if (line.kind === 'CLAMP')
    return {
      label: `${behaviour?.label}: limits`,
      explanation: `the factor stays between ${behaviour?.floor} and ${behaviour?.cap}`,
    };
  const weights = outcomes.map(
    (o) => `${km(o.distanceM)} km count for ${formatFraction(o.credibility, 4)} of the full effect`,
  );
  return { label: `${behaviour?.label}: credibility`, explanation: weights.join(', then ') };
}

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

function crossing(sheets: readonly YearSheet[], why: string): Problem {
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
      ...dress(tariff, sheets, line),
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
        years: sheets.map((sheet) => yearWorksheet(tariff, sheet)),
      },
      tariff: { id: document.id, version: document.version, hash: tariff.hash },
      dataCutoff: cutOff,
      inputsHash: hashOf(snapshotOf(input, cutOff)),
    },
  };
}
