import fc from 'fast-check';

// Each failure prints its seed; FC_SEED=<seed> runs the same cases again. A long run says it at once.
// FC_SHRINK=no leaves a failure as it was found.
const given = process.env['FC_SEED'];
const seed = given === undefined ? Date.now() % 1_000_000_000 : Number(given);
const endOnFailure = process.env['FC_SHRINK'] === 'no';
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed, endOnFailure });
if (process.env['ODOGRAPH_LONG'] === '1') console.log(`property tests: FC_SEED=${String(seed)}`);
