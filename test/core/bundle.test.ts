import vm from 'node:vm';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { createRulesTimeline, encodeState, foldAll } from '../../src/core/index.ts';
import { buildStream } from './streams.ts';

it('runs as one file without any API of Node, and gives the same results', async () => {
  const { outputFiles } = await build({
    entryPoints: ['src/core/index.ts'],
    bundle: true,
    write: false,
    platform: 'neutral',
    format: 'iife',
    globalName: 'core',
    target: 'es2022',
  });
  const drive = {
    seconds: 300,
    spacingS: 1,
    speedCkmh: 5_000,
    headingDeg: 30,
    withSpeed: true,
    withOdometer: true,
    ignition: undefined,
    noise: 7,
  };
  const events = buildStream(1_700_000_000_000, 41.26, -95.98, [
    { ...drive, kind: 'drive' },
    { ...drive, kind: 'stand', seconds: 90 },
    { ...drive, kind: 'drive', speedCkmh: 8_000 },
    { ...drive, kind: 'gap', seconds: 3_000 },
    { ...drive, kind: 'drive' },
  ]);
  // Only text goes in and out, so that no object of ours passes its prototype to the other side.
  const sandbox = vm.createContext({ input: JSON.stringify(events) });
  vm.runInContext(outputFiles[0]?.text ?? '', sandbox);
  const output: unknown = vm.runInContext(
    `const context = {
       rulesAt: core.createRulesTimeline([]),
       zonesOf: () => ({ version: 'test', zoneAt: () => 'Etc/GMT+5', offsetMsAt: () => -18000000 }),
     };
     const folded = core.foldAll(JSON.parse(input), context);
     JSON.stringify([folded.trips, folded.openTrip, [...core.encodeState(folded.state)]]);`,
    sandbox,
  );
  const folded = foldAll(events, {
    rulesAt: createRulesTimeline([]),
    zonesOf: () => ({ version: 'test', zoneAt: () => 'Etc/GMT+5', offsetMsAt: () => -18_000_000 }),
  });
  expect(folded.trips.length).toBe(1);
  expect(output).toBe(
    JSON.stringify([folded.trips, folded.openTrip, [...encodeState(folded.state)]]),
  );
});
