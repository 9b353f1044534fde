import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { draftFromCoefficients } from '../../../../src/core/premium/tariff/coefficients.ts';
import { has, PYTHON } from '../../../support/programs.ts';
import { base, options, read } from '../glm.ts';

/** What it takes to fit the model, and the program that does; a newcomer needs neither. */
const fits = [
  { by: 'Rscript', needs: ['-e', 'library(broom)'], script: 'fit.R', kept: 'coefficients-r.csv' },
  {
    by: PYTHON,
    needs: ['-c', 'import statsmodels, pandas'],
    script: 'fit.py',
    kept: 'coefficients-python.csv',
  },
].filter(({ by, needs }) => has(by, needs));

describe.runIf(fits.length > 0)('the model itself', () => {
  it.each(fits)('fitted anew by $by gives the table that is kept', ({ by, script, kept }) => {
    const fitted = execFileSync(by, [`examples/glm/${script}`], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const drafted = draftFromCoefficients(base, fitted, options);
    const wanted = draftFromCoefficients(base, read(kept), options);
    expect(drafted.ok && drafted.document).toEqual(wanted.ok && wanted.document);
  });
});
