import fc from 'fast-check';

// Each failure prints its seed; FC_SEED=<seed> runs the same cases again.
const seed = process.env['FC_SEED'];
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
