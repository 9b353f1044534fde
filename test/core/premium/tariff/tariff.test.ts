import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import vm from 'node:vm';
import { build } from 'esbuild';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { sha256 } from '../../../../src/core/premium/exact/sha256.ts';
import { parseTariff, tariffSchema } from '../../../../src/core/premium/tariff/tariff.ts';
import { runs } from '../generators.ts';
import { behaviour, day, document, inputOf, premiumOf, tariffOf } from '../tariffs.ts';

const problems = (value: unknown): string[] => {
  const parsed = parseTariff(value);
  return parsed.ok ? [] : parsed.problems.map((p) => `${p.code} ${p.path}`);
};

describe('a tariff document', () => {
  it('is refused with every problem and its path', () => {
    const bad = document({
      currency: 'dollars',
      surprise: 1,
      charges: [
        { kind: 'fixed/1', id: 'a', amount: 30, per: 'YEAR' },
        { kind: 'perKm/9', id: 'b' },
      ],
      factors: [{ kind: 'relativity/1', id: 'c', fact: 'zone', table: { A: '0' } }],
    });
    delete bad['product'];
    expect(problems(bad).sort()).toEqual([
      'INVALID /charges/0/amount',
      'INVALID /charges/1/kind',
      'INVALID /currency',
      'INVALID /factors/0/table/A',
      'MISSING /product',
      'UNKNOWN_FIELD /surprise',
    ]);
  });

  it('says what was seen and what would be right', () => {
    const parsed = parseTariff(document({ currency: 'dollars' }));
    expect(parsed.ok ? [] : parsed.problems.map((p) => p.message)).toEqual([
      'expected an ISO 4217 currency, e.g. USD; seen: "dollars"',
    ]);
  });

  it('is checked for what a schema cannot say', () => {
    const km = { kind: 'perKm/1', id: 'km', unit: 'km' };
    expect(
      problems(
        document({
          effectiveFrom: '2026-02-30',
          charges: [
            km,
            {
              ...km,
              id: 'up',
              bandsPer: 'YEAR',
              bands: [{ upTo: 5, rate: '1' }, { upTo: 5, rate: '1' }, { rate: '0' }],
            },
            { ...km, rate: '1' },
          ],
          factors: [
            {
              kind: 'relativity/1',
              id: 'zone',
              fact: 'zone',
              appliesTo: ['nope'],
              table: { A: '1' },
            },
            { kind: 'banded/1', id: 'age', fact: 'age', bands: [{ below: 25, relativity: '2' }] },
          ],
          adjustments: [
            { kind: 'loading/1', id: 'l', fixedPerYear: '0', variable: '0.6', profit: '0.4' },
          ],
        }),
      ),
    ).toEqual([
      'DUPLICATE_ID /charges/2/id',
      'UNKNOWN_CHARGE /factors/0/appliesTo/0',
      'INVALID /effectiveFrom',
      'BAD_RATE /charges/0',
      'BAD_RATE /charges/1/bands/1/upTo',
      'BAD_BANDS /factors/1/bands/0/below',
      'BAD_LOADING /adjustments/0',
    ]);
  });

  it('may rate mileage alone in California, and not sex in the European Union', () => {
    const night = {
      kind: 'perMeasure/1',
      id: 'night',
      label: 'Night',
      measure: 'nightM',
      perUnits: 1000,
      unit: 'km at night',
      rate: '0.1',
    };
    const sex = { kind: 'relativity/1', id: 'sex', fact: 'Sex', table: { F: '1', M: '1.1' } };
    const rich = { charges: [night], factors: [sex], behaviour };
    expect(problems(document({ ...rich, jurisdiction: 'US-NY' }))).toEqual([]);
    expect(problems(document({ ...rich, jurisdiction: 'US-CA' }))).toEqual([
      'US_CA_MILEAGE_ONLY /behaviour',
      'US_CA_MILEAGE_ONLY /charges/0',
    ]);
    expect(problems(document({ ...rich, jurisdiction: 'FR' }))).toEqual([
      'EU_NO_SEX /factors/0/fact',
    ]);
    const messagesIn = (jurisdiction: string): string[] => {
      const parsed = parseTariff(document({ ...rich, jurisdiction }));
      return parsed.ok ? [] : parsed.problems.map(({ message }) => message);
    };
    expect(messagesIn('US-CA')[0]).toContain('title 10, § 2632.5(c)(2)(F)');
    expect(messagesIn('DE-BY')[0]).toContain('ECLI:EU:C:2011:100');
    expect(messagesIn('GB')).toEqual([]);
    expect(problems(document({ charges: [night], jurisdiction: 'US-CA' }))).toEqual([
      'US_CA_MILEAGE_ONLY /charges/0',
    ]);
    const other = { ...sex, fact: 'sextant' };
    expect(problems(document({ factors: [other], jurisdiction: 'FR' }))).toEqual([]);
  });

  it('has a published JSON Schema that is the one the product checks by', async () => {
    const schema = z.toJSONSchema(tariffSchema);
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(
      '../../../../docs/tariff.schema.json',
    );
  });

  it('keeps a measure or a table value called as something of the language apart from it', () => {
    const charge = {
      kind: 'perMeasure/1',
      id: 'c',
      label: 'C',
      measure: 'constructor',
      perUnits: 1,
      unit: 'x',
      rate: '1',
    };
    const tariff = tariffOf(document({ charges: [charge] }));
    const premium = premiumOf(
      tariff,
      inputOf(['2026-01-01', '2026-02-01'], [day('2026-01-02', 5)]),
    );
    expect(premium.total).toBe('0.00');
  });
});

describe('the premium engine', () => {
  it('hashes as SHA-256 does', () => {
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    const edges = [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff];
    for (const text of [
      ...edges.map((code) => String.fromCodePoint(code)),
      ...['\ud800', '\udbff', '\udc00', '\udfff', '\ud800x'].map((lone) => `a${lone}`),
      ...[55, 56, 63, 64, 119, 120].map((length) => 'x'.repeat(length)),
    ])
      expect(sha256(text), JSON.stringify(text)).toBe(
        createHash('sha256').update(text, 'utf8').digest('hex'),
      );
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        expect(sha256(text)).toBe(createHash('sha256').update(text, 'utf8').digest('hex'));
      }),
      runs(300),
    );
  });

  it('rates in a bare JavaScript context, without Node', async () => {
    const bundle = await build({
      stdin: {
        contents:
          "export { parseTariffText } from './tariff/tariff.ts'; export { quote } from './rating/quote.ts'; export { billStatement } from './bills/bill-statement.ts'; export { statementText } from './bills/text.ts'; export { composeBill } from './bills/bill.ts'; export { rateTrips } from './rating/rate.ts';",
        resolveDir: 'src/core/premium',
        loader: 'ts',
      },
      bundle: true,
      write: false,
      format: 'iife',
      globalName: 'premium',
      logLevel: 'silent',
    });
    const context = vm.createContext(Object.create(null), {
      codeGeneration: { strings: false, wasm: false },
    });
    vm.runInContext(bundle.outputFiles[0]?.text ?? '', context);
    const text = readFileSync('examples/tariffs/payd-demo.json', 'utf8');
    const input = inputOf(['2026-01-01', '2026-02-01'], [day('2026-01-02', 300_000)]);
    const bare: unknown = vm.runInContext(
      `JSON.stringify(premium.quote(premium.parseTariffText(${JSON.stringify(text)}).tariff, ${JSON.stringify(input)}, 'now'))`,
      context,
    );
    expect(bare).toContain('"total":"35.38"');
  });
});
