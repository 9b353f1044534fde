import { describe, expect, it } from 'vitest';
import { createRulesTimeline, rulesByVersion } from '../../src/core/rules.ts';

describe('rules', () => {
  it('are version 1 for ever where no row says otherwise', () => {
    expect(createRulesTimeline([])(0)).toBe(rulesByVersion['1']);
    expect(createRulesTimeline([])(4e12).version).toBe('1');
  });

  it('are found by version with or without the zone data that a row names', () => {
    const rulesAt = createRulesTimeline([
      { effectiveFromMs: 2_000, version: '1+2026f+11.7.0' },
      { effectiveFromMs: 1_000, version: '1' },
    ]);
    for (const atMs of [0, 1_500, 2_000, 3_000]) expect(rulesAt(atMs).version).toBe('1');
  });

  it('that this release does not have are refused by name', () => {
    expect(() => createRulesTimeline([{ effectiveFromMs: 0, version: '99' }])).toThrow(
      'RULES_UNKNOWN: the rules table asks for version "99", this release has 1',
    );
    expect(() => createRulesTimeline([{ effectiveFromMs: 0, version: 'toString' }])).toThrow();
  });

  it('cannot be edited', () => {
    expect(Object.isFrozen(rulesByVersion)).toBe(true);
    expect(Object.values(rulesByVersion).every((rules) => Object.isFrozen(rules))).toBe(true);
  });
});
