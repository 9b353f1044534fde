import { describe, expect, it } from 'vitest';
import { buhlmannStraub, gammaPoisson } from '../../../src/core/premium/credibility.ts';

/**
 * Hachemeister (1975), Credibility for Regression Models with Application to Trend: average private
 * passenger bodily injury claims of five states in twelve quarters, and the number of claims.
 */
const AVERAGES = [
  [1738, 1642, 1794, 2051, 2079, 2234, 2032, 2035, 2115, 2262, 2267, 2517],
  [1364, 1408, 1597, 1444, 1342, 1675, 1470, 1448, 1464, 1831, 1612, 1471],
  [1759, 1685, 1479, 1763, 1674, 2103, 1502, 1622, 1828, 2155, 2233, 2059],
  [1223, 1146, 1010, 1257, 1426, 1532, 1953, 1123, 1343, 1243, 1762, 1306],
  [1456, 1499, 1609, 1741, 1482, 1572, 1606, 1735, 1607, 1573, 1613, 1690],
];
const CLAIMS = [
  [7861, 9251, 8706, 8575, 7917, 8263, 9456, 8003, 7365, 7832, 7849, 9077],
  [1622, 1742, 1523, 1515, 1622, 1602, 1964, 1515, 1527, 1748, 1654, 1861],
  [1147, 1357, 1329, 1204, 998, 1077, 1277, 1218, 896, 1003, 1108, 1121],
  [407, 396, 348, 341, 315, 328, 352, 331, 287, 384, 321, 342],
  [2902, 3172, 3046, 3068, 2693, 2910, 3275, 2697, 2663, 3017, 3242, 3425],
];

describe('credibility', () => {
  it('fits Hachemeister’s states to the printed digits', () => {
    const fit = buhlmannStraub(
      AVERAGES.map((row, i) =>
        row.map((mean, t) => ({ mean, weight: CLAIMS[i]?.[t] ?? Number.NaN })),
      ),
    );
    expect(fit?.collective.toFixed(6)).toBe('1683.713437');
    expect(fit?.within.toFixed(2)).toBe('139120025.93');
    expect(fit?.between.toFixed(3)).toBe('89638.726');
    expect(fit?.risks.map((r) => r.credibility.toFixed(5))).toEqual([
      '0.98474',
      '0.92764',
      '0.89848',
      '0.72791',
      '0.95879',
    ]);
    expect(fit?.risks.map((r) => r.premium.toFixed(3))).toEqual([
      '2055.165',
      '1523.706',
      '1793.444',
      '1442.967',
      '1603.285',
    ]);
  });

  it('gives no credibility where risks do not differ more than chance', () => {
    const fit = buhlmannStraub([
      [
        { mean: 10, weight: 1 },
        { mean: 30, weight: 1 },
      ],
      [
        { mean: 30, weight: 1 },
        { mean: 12, weight: 3 },
      ],
    ]);
    expect(fit?.between).toBe(0);
    expect(fit?.collective).toBeCloseTo(106 / 6, 12);
    expect(fit?.risks.map((r) => [r.credibility, r.premium])).toEqual([
      [0, fit?.collective],
      [0, fit?.collective],
    ]);
  });

  it('has no answer for one risk, for risks seen once, and for weights of nothing', () => {
    const seen = { mean: 1, weight: 1 };
    expect(buhlmannStraub([[seen, seen]])).toBeUndefined();
    expect(buhlmannStraub([[seen], [seen]])).toBeUndefined();
    expect(buhlmannStraub([[seen, { mean: 1, weight: 0 }], [seen]])).toBeUndefined();
    expect(buhlmannStraub([[seen, seen], []])).toBeUndefined();
  });

  it('shrinks a rate by Gamma–Poisson: α 2, β 500 km and 3 events in 500 km make 0.005, Z 0.5', () => {
    expect(gammaPoisson(2, 500, 3, 500)).toEqual({ rate: 0.005, credibility: 0.5 });
    expect(gammaPoisson(2, 500, 0, 0)).toEqual({ rate: 0.004, credibility: 0 });
  });
});
