type Measures = Readonly<Record<string, number>>;

/** A measure by name, 0 where there is none; own fields only, as one may be called "constructor". */
export function measureOf(measures: Measures, name: string): number {
  return Object.hasOwn(measures, name) ? (measures[name] ?? 0) : 0;
}

/** The sums of two rows' measures. */
export function addMeasures(a: Measures, b: Measures): Measures {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return Object.fromEntries(names.map((name) => [name, measureOf(a, name) + measureOf(b, name)]));
}
