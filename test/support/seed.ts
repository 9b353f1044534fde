import fc from 'fast-check';

// Each failure prints its seed; FC_SEED=<seed> runs the same cases again. A long run says it at once.
const given = process.env['FC_SEED'];
const seed = given === undefined ? Date.now() % 1_000_000_000 : Number(given);
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
if (process.env['ODOGRAPH_LONG'] === '1') console.log(`property tests: FC_SEED=${String(seed)}`);
