import fc from 'fast-check';
import type { FoldContext } from '../../src/core/advance.ts';
import type { CanonicalEvent } from '../../src/core/event.ts';
import { createRulesTimeline, type RulesRow } from '../../src/core/rules.ts';
import { loadZones } from '../../src/zones.ts';

/** Rules from the first event on, and others that hold from some event on. */
interface Timeline {
  readonly first: string;
  readonly later: { readonly version: string; readonly permille: number } | undefined;
}

const version = fc.constantFrom(
  '1',
  '2',
  '2/cap=130',
  '2/cap=60',
  '2+2025b+11.7.0',
  '2/cap=60+2025b+11.7.0',
);

export const timelines: fc.Arbitrary<Timeline> = fc.record({
  first: version,
  later: fc.option(fc.record({ version, permille: fc.integer({ min: 0, max: 999 }) }), {
    nil: undefined,
  }),
});

/** The rows of the table of rules that say so for a device's events. */
export function rowsOf({ first, later }: Timeline, events: readonly CanonicalEvent[]): RulesRow[] {
  const instants = events.map(({ atMs }) => atMs).sort((a, b) => a - b);
  const from = instants[Math.floor(((later?.permille ?? 0) * instants.length) / 1_000)];
  return [
    { effectiveFromMs: 0, version: first },
    ...(later === undefined || from === undefined
      ? []
      : [{ effectiveFromMs: from, version: later.version }]),
  ];
}

export function contextOf(rows: readonly RulesRow[]): FoldContext {
  return { rulesAt: createRulesTimeline(rows), zonesOf: loadZones };
}
