import { formatFraction, ratio } from '../exact/fraction.ts';
import type { PremiumLine } from './premium.ts';
import { km } from './show.ts';
import type { Tariff } from '../tariff/tariff.ts';
import type { NumericLine, YearSheet } from './worksheet.ts';

function chargeParts(tariff: Tariff) {
  return new Map(tariff.charges.flatMap((c) => c.parts.map((p) => [p.id, p] as const)));
}

/** The one relativity or value that held over all rated spans of a vehicle, if it was one. */
function only(values: readonly string[]): string | undefined {
  const distinct = [...new Set(values)];
  return distinct.length === 1 ? distinct[0] : undefined;
}

type Dressing = Pick<PremiumLine, 'label' | 'explanation'> &
  Partial<Pick<PremiumLine, 'quantity' | 'unit' | 'rate'>>;

/** A line in words: its name, its quantity and price where it has them, and why it is what it is. */
export function explainLine(
  tariff: Tariff,
  sheets: readonly YearSheet[],
  line: NumericLine,
): Dressing {
  const vehicles = sheets.flatMap((s) => s.vehicles.filter((v) => v.vehicleId === line.vehicleId));
  if (line.kind === 'CHARGE' || line.kind === 'ESTIMATED') {
    const estimated = line.kind === 'ESTIMATED';
    const id = estimated ? line.id.slice(0, -'.estimated'.length) : line.id;
    const part = chargeParts(tariff).get(id);
    if (part === undefined) throw new Error(`line ${line.id} has no charge`);
    const quantity = formatFraction(ratio(line.quantity, part.perUnit), 3);
    const { label, unit, rate } = part;
    const days = vehicles
      .flatMap((v) => v.estimates.filter(({ distanceM }) => distanceM > 0))
      .reduce((sum, { from, to }) => sum + to - from, 0);
    const priced = `${quantity} ${unit} at ${rate} a ${part.rateUnit}`;
    return {
      label: estimated ? `${label}, estimated` : label,
      quantity,
      unit,
      rate,
      explanation: estimated ? `${priced}, for ${days} silent days` : priced,
    };
  }
  if (line.kind === 'FACTOR') {
    const at = tariff.factors.findIndex((f) => f.id === line.id);
    const held = vehicles.flatMap((v) =>
      v.factors.filter((_, s) => v.spans[s]?.inPeriod).map((f) => f[at]),
    );
    const value = only(held.map((f) => f?.value ?? ''));
    const rate = only(held.map((f) => f?.relativity.text ?? ''));
    const steps = held.map((f) => `${f?.value} × ${f?.relativity.text}`);
    return {
      label: tariff.factors[at]?.label ?? line.id,
      ...(rate === undefined ? {} : { rate }),
      explanation:
        value !== undefined && rate !== undefined
          ? `${tariff.factors[at]?.fact} ${value}: × ${rate}`
          : `${tariff.factors[at]?.fact} changed: ${steps.filter((step, i) => step !== steps[i - 1]).join(', then ')}`,
    };
  }
  if (line.kind === 'ADJUSTMENT') {
    const step = tariff.adjustments.find((a) => a.id === line.id);
    if (step === undefined) throw new Error(`line ${line.id} has no step`);
    return { label: step.label, rate: step.rate, explanation: step.explanation };
  }
  // A tariff that looks at habits is rated within one policy year, so that there is one outcome.
  const { behaviour } = tariff;
  const habits = vehicles[0]?.habits;
  if (behaviour === undefined || habits === undefined)
    throw new Error(`line ${line.id} has no behaviour`);
  if (line.kind === 'CLAMP')
    return {
      label: `${behaviour.label}: limits`,
      explanation: `the factor stays between ${behaviour.floor} and ${behaviour.cap}`,
    };
  if (line.kind === 'CREDIBILITY') {
    const weight = formatFraction(habits.credibility, 4);
    return {
      label: `${behaviour.label}: credibility`,
      explanation: `${km(habits.distanceM)} km count for ${weight} of the full effect`,
    };
  }
  const part = habits.parts.find((p) => p.id === line.id);
  if (part === undefined) throw new Error(`line ${line.id} has no habit`);
  return {
    label: part.label,
    explanation: `${formatFraction(part.z, 4)} against ${part.mean} on average`,
  };
}
