import { expect, test, vi } from 'vitest';
import { createAuthenticate } from '../../src/api/identity.ts';
import { readLocalKey } from '../../src/local/folder.ts';
import { makeFolder, runCli } from '../support/child.ts';

// Each call starts a process that compiles on the fly.
vi.setConfig({ testTimeout: 240_000 });

const COMMANDS = [
  'up',
  'migrate',
  'sink',
  'api',
  'simulate',
  'send',
  'token',
  'dead-letters',
  'import',
  'analyst',
  'rate',
  'what-if',
  'doctor',
];

test('the help of every command has an example', async () => {
  const helps = await Promise.all(COMMANDS.map((name) => runCli([name, '--help'])));
  for (const [i, { code, stdout }] of helps.entries()) {
    expect(code, COMMANDS[i]).toBe(0);
    expect(stdout, COMMANDS[i]).toMatch(new RegExp(`Examples?:\\n.*odograph ${COMMANDS[i]}`, 's'));
  }
  const { stdout } = await runCli(['--help']);
  for (const name of COMMANDS) expect(stdout).toContain(`  ${name}`);
  expect(stdout).toContain('2 called wrongly');
});

test('a wrong call exits with 2 and points to --help', async () => {
  for (const args of [['nonsense'], ['token'], ['token', '--role', 'KING'], ['up', '--fast']]) {
    const { code, stderr, stdout } = await runCli(args);
    expect(code, args.join(' ')).toBe(2);
    expect(stderr).toMatch(/error: .*\n.*--help/);
    expect(stdout).toBe('');
  }
});

test('wrong settings exit with 2, all of them listed', async () => {
  const env = { PORT: '99999', TEXT_SPEED_UNIT: 'knots', HOST: '0.0.0.0' };
  const { code, stderr } = await runCli(['up'], { env });
  expect(code).toBe(2);
  for (const name of Object.keys(env)) expect(stderr).toContain(name);
  expect(stderr).toContain('.env.example');
});

test('a command that needs a broker or a database says how to provide one', async () => {
  const env = { ODOGRAPH_DATA_DIR: makeFolder() };
  const send = await runCli(['send', 'x'], { env });
  expect(send).toMatchObject({ code: 1, stdout: '' });
  expect(send.stderr).toMatch(/KAFKA_BROKERS is not set[\s\S]*odograph up/);
  const migrate = await runCli(['migrate'], { env });
  expect(migrate).toMatchObject({ code: 1, stdout: '' });
  expect(migrate.stderr).toMatch(/DATABASE_URL is not set[\s\S]*odograph up/);
});

test('a token signed with the local key is accepted only by an API that uses that key', async () => {
  const folder = makeFolder();
  const env = { ODOGRAPH_DATA_DIR: folder };
  const sign = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCli(['token', ...args], { env });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    return stdout.trim();
  };
  const authenticate = createAuthenticate({ jwtSecret: readLocalKey(folder) });
  const driver = await sign('--role', 'DRIVER', '--driver', 'D-1', '--ttl', '15m');
  expect(await authenticate(`Bearer ${driver}`)).toMatchObject({
    role: 'DRIVER',
    tenant: 'default',
    driver: 'D-1',
    microdata: false,
  });
  const { expiresAtMs } = await authenticate(`Bearer ${driver}`);
  expect(Math.abs(expiresAtMs - Date.now() - 15 * 60_000)).toBeLessThan(60_000);

  const actuary = await sign('--role', 'ACTUARY', '--tenant', 'acme', '--microdata');
  expect(await authenticate(`Bearer ${actuary}`)).toMatchObject({
    tenant: 'acme',
    microdata: true,
  });
  const operator = await sign('--role', 'OPERATOR');
  expect(await authenticate(`Bearer ${operator}`)).toMatchObject({ tenant: null });

  const other = createAuthenticate({ jwtSecret: readLocalKey(makeFolder()) });
  await expect(other(`Bearer ${operator}`)).rejects.toThrow('signature');
});

test('a token that no API would accept is not signed', async () => {
  const refused = async (args: string[], env: NodeJS.ProcessEnv = {}) =>
    runCli(['token', ...args], { env: { ODOGRAPH_DATA_DIR: makeFolder(), ...env } });
  const foreign = await refused(['--role', 'INSURER'], {
    AUTH_JWKS_URL: 'https://id.example/keys',
  });
  expect(foreign).toMatchObject({ code: 1, stdout: '' });
  expect(foreign.stderr).toContain('external issuer');
  for (const args of [
    ['--role', 'DRIVER'],
    ['--role', 'INSURER', '--driver', 'D-1'],
    ['--role', 'INSURER', '--microdata'],
    ['--role', 'INSURER', '--ttl', 'soon'],
    ['--role', 'INSURER', '--ttl', '0h'],
  ]) {
    expect(await refused(args), args.join(' ')).toMatchObject({ code: 2, stdout: '' });
  }
});
