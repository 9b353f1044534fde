/**
 * Issues any bills from a seed and makes each again; prints a digest of the bytes after each thousand.
 * Bundled into one file, it runs where there is nothing but Node: `node reissue.mjs <seed> <bills>`.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { composeBill, recomposeBill } from '../../../src/core/premium/bills/bill.ts';
import { addingTariff, anyInput, anyTariff } from './generators.ts';
import { CUT_OFF, tariffOf } from './tariffs.ts';

const [seed, numRuns] = process.argv.slice(2).map(Number);
const digest = createHash('sha256');
let bills = 0;
const tell = (): void => console.log(`${bills} ${digest.copy().digest('hex')}`);
fc.assert(
  fc.property(fc.oneof(addingTariff, anyTariff), anyInput, (document, input) => {
    const tariff = tariffOf(document);
    const issued = composeBill('B-1', tariff, input, CUT_OFF, [{ tripId: 't', revision: 1 }]);
    if (!issued.ok) throw new Error(JSON.stringify(issued.problems));
    const again = recomposeBill(issued.bytes, tariff);
    if (!again.ok || !again.same) throw new Error(`not the same again: ${issued.bytes}`);
    digest.update(issued.bytes);
    if (++bills % 1000 === 0) tell();
  }),
  { seed: seed ?? 0, numRuns: numRuns ?? 0, endOnFailure: true },
);
tell();
