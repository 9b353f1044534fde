// npm run chaos -- --seed 7 --faults 100 --events 1000000: the long form of test/chaos.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    faults: { type: 'string', default: '100' },
    events: { type: 'string', default: '1000000' },
  },
});
const env = {
  ...process.env,
  CHAOS_SEED: values.seed,
  CHAOS_FAULTS: values.faults,
  CHAOS_EVENTS: values.events,
};
const run = spawnSync('npx', ['vitest', 'run', 'test/chaos'], { stdio: 'inherit', env });
process.exitCode = run.status ?? 1;
