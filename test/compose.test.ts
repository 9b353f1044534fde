import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

interface Service {
  readonly image: string;
  readonly user?: string;
  readonly environment: Readonly<Record<string, string | number>>;
  readonly healthcheck?: object;
  readonly restart: string;
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly deploy?: { readonly replicas: number };
  readonly profiles?: readonly string[];
}

const files = ['docker-compose.yml', 'src/local/broker/docker-compose.yml'];

describe.each(files)('%s', (file) => {
  const text = read(file);
  let services: [string, Service][];
  beforeAll(() => {
    services = Object.entries(
      (parse(text, { merge: true }) as { services: Record<string, Service> }).services,
    );
  });

  test('is valid by the Compose Specification', () => {
    const ajv = new Ajv.default({ strict: false, logger: false });
    ajv.addFormat('duration', true);
    const schema = JSON.parse(read('test/fixtures/compose/compose-spec.json')) as Record<
      string,
      unknown
    >;
    // Ajv carries this draft's meta-schema under its http name.
    const validate = ajv.compile({ ...schema, $schema: 'http://json-schema.org/draft-07/schema#' });
    validate(parse(text, { merge: true }));
    expect(validate.errors).toBeNull();
    expect(validate({ services: { x: { imagine: 1 } } })).toBe(false);
  });

  test('pins every image to a version', () => {
    for (const [, { image }] of services) expect(image).toMatch(/:\d+\.\d+(\.\d+)?(-\w+)?$/);
  });

  test('opens ports on loopback only', () => {
    for (const [, { ports = [] }] of services) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  test('has a health check for every long-running service', () => {
    for (const [name, { healthcheck, profiles }] of services) {
      if (name === 'migrate' || profiles) continue;
      expect(healthcheck, name).toBeDefined();
    }
  });
});

describe('the whole system', () => {
  const text = read('docker-compose.yml');
  const { services } = parse(text, { merge: true }) as { services: Record<string, Service> };
  const nodes = ['kafka-1', 'kafka-2', 'kafka-3'];

  test('holds no secret: each comes from the environment and is named if missing', () => {
    for (const [name, { environment }] of Object.entries(services)) {
      for (const [key, value] of Object.entries(environment)) {
        if (/PASSWORD|SECRET/.test(key))
          expect(value, `${name} ${key}`).toMatch(/^\$\{[A-Z_]+:[?-][^}]*\}$/);
        if (/DATABASE.*URL/.test(key))
          expect(value, `${name} ${key}`).toMatch(/:\$\{[A-Z_]+:\?[^}]+\}@/);
      }
    }
  });

  test('survives the loss of one broker: three in the quorum, each log on all three, acknowledged by two', () => {
    const voters = nodes.map((name, index) => `${index + 1}@${name}:9093`).join(',');
    expect(nodes.map((name) => services[name]!.environment['KAFKA_NODE_ID'])).toEqual([1, 2, 3]);
    for (const name of nodes) {
      const environment = services[name]!.environment;
      expect(environment['KAFKA_CONTROLLER_QUORUM_VOTERS']).toBe(voters);
      expect(environment['KAFKA_ADVERTISED_LISTENERS']).toContain(`INSIDE://${name}:19092`);
      for (const [key, value] of Object.entries(environment)) {
        if (key.endsWith('REPLICATION_FACTOR')) expect(value, key).toBe(3);
        if (key.endsWith('MIN_ISR') || key.endsWith('INSYNC_REPLICAS')) expect(value, key).toBe(2);
      }
    }
  });

  test('runs two sinks and two APIs after the migration, each with its own login only', () => {
    for (const [name, own] of [
      ['sink', 'DATABASE_SINK_URL'],
      ['api', 'DATABASE_API_URL'],
    ] as const) {
      const { deploy, depends_on, environment } = services[name]!;
      expect(deploy).toEqual({ replicas: 2 });
      expect(depends_on?.['migrate']).toEqual({ condition: 'service_completed_successfully' });
      expect(Object.keys(environment).filter((key) => key.startsWith('DATABASE'))).toEqual([own]);
    }
  });

  test('sets only settings that exist', () => {
    const known = new Set(
      [...read('.env.example').matchAll(/^#? ?([A-Z_]+)=/gm)].map(([, name]) => name),
    );
    for (const name of ['migrate', 'sink', 'api', 'simulator']) {
      expect(Object.keys(services[name]!.environment).filter((key) => !known.has(key))).toEqual([]);
    }
  });

  test('the image does not run as root', () => {
    const dockerfile = read('Dockerfile');
    expect(dockerfile.slice(dockerfile.lastIndexOf('\nFROM'))).toMatch(/^USER node$/m);
  });
});
