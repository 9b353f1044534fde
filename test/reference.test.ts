import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('docs/reference matches the code (npm run reference writes it)', () => {
  const check = ['--import', './scripts/typescript.js', 'scripts/reference.ts', '--check'];
  const { status, stderr } = spawnSync(process.execPath, check, { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});
