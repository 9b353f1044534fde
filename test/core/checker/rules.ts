import type { RulesRow } from '../../../src/core/rules.ts';

/** What differs between the versions of the rules. */
export interface CheckedRules {
  /** As facts name it, without the zone data. */
  name: string;
  version: number;
  /** Release of the zone data that the row names. */
  zoneData: string | undefined;
  /** Speed that counts as speeding where no limit was sent, 0.01 km/h. */
  capCkmh: number | undefined;
}

/** The rules of a trip that starts at an instant: the newest row's until then, else the first one's. */
export function rulesOf(rows: readonly RulesRow[], startedAtMs: number): CheckedRules {
  const inOrder = [...rows].sort((a, b) => a.effectiveFromMs - b.effectiveFromMs);
  const row = inOrder.findLast((one) => one.effectiveFromMs <= startedAtMs) ?? inOrder[0];
  const [name = '', ...zoneData] = (row?.version ?? '1').split('+');
  const [version, capKmh] = name.split('/cap=');
  return {
    name,
    version: Number(version),
    zoneData: zoneData.length === 0 ? undefined : zoneData.join('+'),
    capCkmh: capKmh === undefined ? undefined : Number(capKmh) * 100,
  };
}
