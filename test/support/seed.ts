import fc from 'fast-check';

// Each failure prints its seed; FC_SEED=<seed> runs the same cases again. A long run prints it at the start.
// FC_SHRINK=no reports a failure without shrinking it.
const given = process.env['FC_SEED'];
const seed = given === undefined ? Date.now() % 1_000_000_000 : Number(given);
const endOnFailure = process.env['FC_SHRINK'] === 'no';
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed, endOnFailure });
if (process.env['ODOGRAPH_LONG'] === '1') console.log(`property tests: FC_SEED=${String(seed)}`);
