import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readClaims } from '../../src/cli/claims.ts';
import { decodeText, type Encoding } from '../../src/cli/claims-file.ts';
import { decimalsOf, readAmount, readClaimDate } from '../../src/core/claim-fields.ts';
import { Problem } from '../../src/problem.ts';

const HEADING = ['claimNumber', 'policyNumber', 'occurredOn', 'amount', 'currency'];

/** What reading a file returns: its claims, or the codes of its faults. */
function read(bytes: Uint8Array, options: { encoding?: Encoding; decimal?: '.' | ',' } = {}) {
  const faults: string[] = [];
  try {
    const text = decodeText('claims.csv', bytes, options.encoding);
    const claims = readClaims('claims.csv', text, { tenant: 't', ...options }, (line) => {
      faults.push(line);
    });
    return { claims: claims.map(({ line: _, ...claim }) => claim), faults };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { problem: error.code, message: error.message, faults };
  }
}

const utf8 = (text: string) => Buffer.from(text, 'utf8');
const fileOf = (...lines: string[]) => utf8([HEADING.join(','), ...lines, ''].join('\n'));

describe('an amount of a claim', () => {
  it.each([
    ['1234.56', 'EUR', '1234.56'],
    ['1234,56', 'EUR', '1234.56'],
    ['1.234,56', 'EUR', '1234.56'],
    ['1,234.56', 'EUR', '1234.56'],
    ['1’234.5', 'CHF', '1234.5'],
    ['1 234 567,89', 'EUR', '1234567.89'],
    ['1,234,567', 'USD', '1234567'],
    ['12', 'JPY', '12'],
    ['-250.00', 'EUR', '-250.00'],
    ['\u2212250,00', 'EUR', '-250.00'],
    ['-0.00', 'EUR', '0.00'],
    ['0.125', 'KWD', '0.125'],
  ])('%s %s is read as %s', (text, currency, value) => {
    expect(readAmount(text, decimalsOf(currency))).toEqual({ value });
  });

  it.each([
    ['1.234', 'USD', 'AMBIGUOUS_AMOUNT'],
    ['1,234', 'EUR', 'AMBIGUOUS_AMOUNT'],
    ['12.345', 'KWD', 'AMBIGUOUS_AMOUNT'],
    ['1234.567', 'USD', 'TOO_MANY_DECIMALS'],
    ['1.5', 'JPY', 'TOO_MANY_DECIMALS'],
    ['1.23.456', 'EUR', 'BAD_AMOUNT'],
    ['1.234,56.7', 'EUR', 'BAD_AMOUNT'],
    ['(250.00)', 'EUR', 'BAD_AMOUNT'],
    ['250.00-', 'EUR', 'BAD_AMOUNT'],
    ['1e3', 'EUR', 'BAD_AMOUNT'],
    ['EUR 5', 'EUR', 'BAD_AMOUNT'],
    ['', 'EUR', 'BAD_AMOUNT'],
    ['123456789012345', 'EUR', 'BAD_AMOUNT'],
  ])('%s %s is refused: %s', (text, currency, code) => {
    expect(readAmount(text, decimalsOf(currency))).toMatchObject({ code });
  });

  it('is read with the decimal sign that is given', () => {
    expect(readAmount('1.234', 2, ',')).toEqual({ value: '1234' });
    expect(readAmount('1.234', 2, '.')).toMatchObject({ code: 'TOO_MANY_DECIMALS' });
    expect(readAmount('1.234', 3, '.')).toEqual({ value: '1.234' });
    expect(readAmount('1,5,0', 2, ',')).toMatchObject({ code: 'BAD_AMOUNT' });
  });
});

describe('a date of a claim', () => {
  it('is read if its day and month are unambiguous', () => {
    expect(readClaimDate('2026-03-14')).toEqual({ value: '2026-03-14' });
    expect(readClaimDate('14.03.2026')).toEqual({ value: '2026-03-14' });
    expect(readClaimDate('4.3.2026')).toEqual({ value: '2026-03-04' });
    for (const text of ['03/04/2026', '30.02.2026', '2026-02-30', '14-03-2026', '', '45000']) {
      expect(readClaimDate(text)).toMatchObject({ code: 'BAD_DATE' });
    }
  });
});

describe('a file of claims', () => {
  it('is read with semicolons and decimal commas, and refused as a whole if one amount is ambiguous', () => {
    const german = utf8(
      'claimNumber;policyNumber;occurredOn;amount;currency\r\nC-1;P-1;14.03.2026;1.234,56;USD\r\n',
    );
    expect(read(german).claims).toMatchObject([{ amount: '1234.56', occurredOn: '2026-03-14' }]);
    const thousands = fileOf('C-1,P-1,2026-03-14,1.234,USD', 'C-2,P-1,2026-03-14,5.00,USD');
    expect(read(thousands)).toMatchObject({
      problem: 'CLAIMS_UNREADABLE',
      faults: [
        'claims.csv, line 2, column amount: "1.234" can be read as 1234, or as 1.234 with more decimals than the 2 of its currency; write 1234.00, or name the decimal sign of the file with --decimal [AMBIGUOUS_AMOUNT]',
      ],
    });
    expect(read(thousands, { decimal: ',' }).problem).toBe('CLAIMS_UNREADABLE');
  });

  it('is refused with each fault: its line, column, value, and what would be valid', () => {
    const { faults, problem } = read(
      fileOf(
        'C-1,P-1,2026-03-14,1,000.00,USD',
        '"C-2\nb",P-1,03/14/2026,5.00,usd',
        'C-3,P-\u202e1,2026-03-14,12.5,EUR',
        'C-4,P-1,2026-03-14,"12,5",EUR',
      ),
    );
    expect(problem).toBe('CLAIMS_UNREADABLE');
    expect(faults).toEqual([
      'claims.csv, line 2: it has 6 fields, the heading has 5; a field with a comma in it must be in double quotes [BAD_LINE]',
      'claims.csv, line 3, column currency: "usd" is not a code of ISO 4217 such as EUR [BAD_CURRENCY]',
      'claims.csv, line 3, column claimNumber: "C-2\\u000ab" has a line break, a control character or a mark that turns the reading direction [BAD_NAME]',
      'claims.csv, line 3, column occurredOn: "03/14/2026" is not a date that can be read; write it like 2026-03-14, since day and month may come in either order with slashes [BAD_DATE]',
      'claims.csv, line 5, column policyNumber: "P-\\u202e1" has a line break, a control character or a mark that turns the reading direction [BAD_NAME]',
      'claims.csv, line 6, column amount: line 3 has a decimal point and line 6 a decimal comma; name the decimal sign of the file with --decimal [MIXED_DECIMAL_SIGNS]',
    ]);
  });

  it('is refused if its quotes or its encoding cannot be read, with the line', () => {
    expect(read(fileOf('C-1,"P-1,2026-03-14,5.00,USD'))).toMatchObject({ problem: 'BAD_CSV' });
    expect(read(fileOf('C-1,P"-1,2026-03-14,5.00,USD'))).toMatchObject({ problem: 'BAD_CSV' });
    const latin = Buffer.from(
      `${HEADING.join(',')}\nC-1,P-1,2026-03-14,5.00,USD\nC-ä,P-1,2026-03-14,5.00,USD\n`,
      'latin1',
    );
    expect(read(latin)).toMatchObject({
      problem: 'UNKNOWN_ENCODING',
      message: 'claims.csv, line 3: the byte 0xE4 is not UTF-8 text. Nothing was stored.',
    });
    expect(read(latin, { encoding: 'windows-1252' }).claims).toMatchObject([
      {},
      { claimNumber: 'C-ä' },
    ]);
    expect(read(Buffer.from([0x81]), { encoding: 'windows-1252' }).problem).toBe(
      'UNKNOWN_ENCODING',
    );
  });

  it('gives the same result in any encoding, separator, quoting, line ending and amount format, or is refused', () => {
    const WORDS = [
      'C-1',
      'Müller',
      'Ångström',
      'Œuvre €',
      'a,b',
      'x;y',
      'say "no"',
      'José',
      "d'Or",
    ];
    const claim = fc.record({
      claimNumber: fc
        .tuple(fc.constantFrom(...WORDS), fc.nat(999))
        .map(([word, n]) => `${word} ${n}`),
      policyNumber: fc.constantFrom(...WORDS),
      occurredOn: fc
        .date({ min: new Date('1990-01-01'), max: new Date('2089-12-31'), noInvalidDate: true })
        .map((date) => date.toISOString().slice(0, 10)),
      cents: fc.integer({ min: -9_999_999, max: 999_999_999 }),
      currency: fc.constantFrom('EUR', 'USD', 'CHF'),
    });
    const style = fc.record({
      separator: fc.constantFrom(',', ';', '\t'),
      quotes: fc.constantFrom('always', 'where needed'),
      lineEnd: fc.constantFrom('\n', '\r\n'),
      encoding: fc.constantFrom('utf-8', 'utf-8 bom', 'utf-16le', 'utf-16be', 'windows-1252'),
      named: fc.boolean(),
      sign: fc.constantFrom('.', ','),
      group: fc.constantFrom('', '’', ' ', 'other'),
      dotted: fc.boolean(),
    });
    const spellAmount = (cents: number, sign: string, group: string): string => {
      const between = group === 'other' ? (sign === '.' ? ',' : '.') : group;
      const whole = String(Math.floor(Math.abs(cents) / 100)).replace(/\B(?=(\d{3})+$)/g, between);
      const rest = String(Math.abs(cents) % 100).padStart(2, '0');
      return `${cents < 0 ? '-' : ''}${whole}${sign}${rest}`;
    };
    const encode = (text: string, encoding: string): Uint8Array => {
      if (encoding === 'utf-8') return utf8(text);
      if (encoding === 'utf-8 bom') return utf8(`\ufeff${text}`);
      if (encoding === 'windows-1252') {
        const special: Record<string, number> = { '€': 0x80, Œ: 0x8c, '’': 0x92 };
        return Uint8Array.from([...text].map((c) => special[c] ?? c.charCodeAt(0)));
      }
      const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
      return encoding === 'utf-16le' ? bytes : bytes.swap16();
    };
    fc.assert(
      fc.property(fc.array(claim, { minLength: 1, maxLength: 8 }), style, (claims, how) => {
        const quote = (field: string): string =>
          how.quotes === 'always' || /[,;\t"\r\n]/.test(field)
            ? `"${field.replaceAll('"', '""')}"`
            : field;
        const lines = claims.map(({ claimNumber, policyNumber, occurredOn, cents, currency }) => [
          ...[claimNumber, policyNumber],
          how.dotted ? occurredOn.split('-').reverse().join('.') : occurredOn,
          ...[spellAmount(cents, how.sign, how.group), currency],
        ]);
        const text = [HEADING, ...lines]
          .map((fields) => fields.map(quote).join(how.separator) + how.lineEnd)
          .join('');
        const bytes = encode(text, how.encoding);
        const isOther = how.encoding === 'windows-1252';
        const found = read(bytes, how.named && isOther ? { encoding: 'windows-1252' } : {});
        const expected = claims.map(({ cents, ...rest }) => ({
          ...rest,
          amount: spellAmount(cents, '.', ''),
          ...{ vehicleId: '', driverId: '' },
        }));
        if (isOther && !how.named && /[^\t-~]/.test(text)) {
          expect(found.problem).toBe('UNKNOWN_ENCODING');
        } else {
          expect(found.claims).toEqual(
            expected.map((one) => ({ ...one, amount: one.amount.replace(/^-(?=0\.00$)/, '') })),
          );
        }
      }),
      { numRuns: process.env['ODOGRAPH_LONG'] === '1' ? 5_000 : 300 },
    );
  });
});
