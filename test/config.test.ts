import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readConfig, writeEnvExample } from '../src/config.ts';
import { Problem } from '../src/problem.ts';

const SECRET = 'a secret of more than thirty-two characters';

function readProblem(env: NodeJS.ProcessEnv): Problem {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('the settings were accepted');
}

describe('settings', () => {
  test('have the documented defaults', () => {
    expect(readConfig({})).toMatchObject({
      kafkaBrokers: [],
      kafkaTopic: 'telematics',
      kafkaGroupId: 'odograph',
      kafkaSsl: false,
      kafkaLocalPort: 9092,
      port: 4000,
      host: '127.0.0.1',
      odographDataDir: '.odograph',
      corsOrigins: [],
      textSpeedUnit: 'mph',
      textTimeZone: 'UTC',
      logLevel: 'info',
    });
  });

  test('that are empty count as unset', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: '' })).toEqual(readConfig({}));
  });

  test('with several values are lists', () => {
    const env = { KAFKA_BROKERS: 'a:9092, b:9093,', CORS_ORIGINS: 'https://a.example' };
    expect(readConfig(env)).toMatchObject({
      kafkaBrokers: ['a:9092', 'b:9093'],
      corsOrigins: ['https://a.example'],
    });
  });

  test('that are wrong are all listed at once, with their values but without secrets', () => {
    const { code, message, hint } = readProblem({
      PORT: 'four thousand',
      KAFKA_BROKERS: 'broker',
      KAFKA_SSL: 'yes',
      TEXT_TIME_ZONE: 'Mars/Olympus',
      DATABASE_URL: 'mysql://root:hunter2@db/x',
      LOG_LEVEL: 'loud',
      HOST: '0.0.0.0',
      KAFKA_SASL_USERNAME: 'sink',
    });
    expect(code).toBe('BAD_SETTINGS');
    for (const name of [
      'PORT',
      'KAFKA_BROKERS',
      'KAFKA_SSL',
      'TEXT_TIME_ZONE',
      'DATABASE_URL',
      'LOG_LEVEL',
      'HOST',
      'KAFKA_SASL_MECHANISM',
    ]) {
      expect(message).toContain(`  ${name} `);
    }
    expect(message).toContain('"four thousand"');
    expect(message).not.toContain('hunter2');
    expect(hint).toContain('.env.example');
  });

  test('refuse a host other than loopback with the local key', () => {
    expect(readProblem({ HOST: '0.0.0.0' }).message).toContain('AUTH_JWKS_URL');
    expect(readConfig({ HOST: '0.0.0.0', AUTH_JWT_SECRET: SECRET }).host).toBe('0.0.0.0');
    expect(readProblem({ HOST: '0.0.0.0', AUTH_JWT_SECRET: 'short' }).message).toContain('32');
    for (const host of ['127.0.0.1', '127.0.0.2', 'localhost', '::1']) {
      expect(readConfig({ HOST: host }).host).toBe(host);
    }
  });

  test('of a Kafka login are set together', () => {
    expect(readProblem({ KAFKA_SASL_MECHANISM: 'plain' }).message).toMatch(
      /KAFKA_SASL_USERNAME[\s\S]*KAFKA_SASL_PASSWORD/,
    );
    expect(readProblem({ KAFKA_SASL_PASSWORD: 'x' }).message).toContain('KAFKA_SASL_MECHANISM');
  });

  test('of an issuer need its keys', () => {
    expect(readProblem({ AUTH_ISSUER: 'https://id.example' }).message).toContain('AUTH_JWKS_URL');
  });

  test('are all in .env.example as in the code', () => {
    const written = readFileSync(new URL('../.env.example', import.meta.url), 'utf8');
    expect(written, 'run: node --import ./scripts/typescript.js scripts/env-example.ts').toBe(
      writeEnvExample(),
    );
  });
});
