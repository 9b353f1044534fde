import { describe, expect, it } from 'vitest';
import { createRulesTimeline, rulesByVersion } from '../../src/core/rules.ts';

describe('rules', () => {
  it('are always version 1 if no row says otherwise', () => {
    expect(createRulesTimeline([])(0)).toBe(rulesByVersion['1']);
    expect(createRulesTimeline([])(4e12).version).toBe('1');
  });

  it('are found by version, with or without the zone data that a row names', () => {
    const rulesAt = createRulesTimeline([
      { effectiveFromMs: 2_000, version: '1+2026f+11.7.0' },
      { effectiveFromMs: 1_000, version: '1' },
    ]);
    for (const atMs of [0, 1_500, 2_000, 3_000]) expect(rulesAt(atMs).version).toBe('1');
  });

  it('that do not check readings cannot follow rules that do', () => {
    const rows = (versions: readonly string[]) =>
      versions.map((version, i) => ({ effectiveFromMs: i * 1_000, version }));
    expect(() => createRulesTimeline(rows(['2', '3', '2']))).toThrow('RULES_BACK: version "2"');
    expect(() => createRulesTimeline(rows(['1', '2', '3', '3/cap=130']))).not.toThrow();
  });

  it('that this release does not have are refused by name', () => {
    expect(() => createRulesTimeline([{ effectiveFromMs: 0, version: '99' }])).toThrow(
      'RULES_UNKNOWN: the rules table asks for version "99", this release has 1, 2, 3',
    );
    expect(() => createRulesTimeline([{ effectiveFromMs: 0, version: 'toString' }])).toThrow();
  });

  it('may set a speed cap, which their version then includes, within limits and from version 2 on', () => {
    const capped = createRulesTimeline([{ effectiveFromMs: 0, version: '2/cap=130+2026a' }])(0);
    expect(capped).toEqual({
      ...rulesByVersion['2'],
      version: '2/cap=130',
      capCkmh: 13_000,
      zoneData: '2026a',
    });
    expect(Object.isFrozen(capped)).toBe(true);
    for (const version of ['1/cap=130', '2/cap=49', '2/cap=251']) {
      expect(() => createRulesTimeline([{ effectiveFromMs: 0, version }])).toThrow(
        `RULES_CAP: the rules table asks for version "${version}"`,
      );
    }
    for (const version of ['2/cap=', '2/cap=1e2', '2/limit=130', ' 2']) {
      expect(() => createRulesTimeline([{ effectiveFromMs: 0, version }])).toThrow('RULES_UNKNOWN');
    }
  });

  it('cannot be edited', () => {
    expect(Object.isFrozen(rulesByVersion)).toBe(true);
    expect(Object.values(rulesByVersion).every((rules) => Object.isFrozen(rules))).toBe(true);
  });
});
