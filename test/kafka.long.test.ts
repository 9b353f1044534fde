// TLS, logins and least rights against a real broker. Part of the long run: it starts a broker of its own.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import { kafkaSettings } from '../src/kafka-settings.ts';
import { createKafka } from '../src/kafka.ts';
import { createLog } from '../src/log.ts';
import { runCli } from './support/child.ts';
import { LOGINS, startSecureBroker, type SecureBroker } from './support/secure-broker.ts';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
const tls = fileURLToPath(new URL('fixtures/tls/', import.meta.url));
const TOPIC = 'telematics';
const GROUP = 'odograph';
const LINE = 'ID-203217 80 5-15-2015 00:08:13 -73.978165,40.757977';
const log = createLog({ level: 'silent', isTerminal: false });

let broker: SecureBroker;
let admin: kafkajs.Admin;
let tokenUrl: string;
const tokenServer = createServer((request, response) => {
  const [, basic = ''] = (request.headers.authorization ?? '').split(' ');
  const [id = '', secret] = Buffer.from(basic, 'base64').toString().split(':');
  if (secret !== 'secret') return void response.writeHead(401).end('{}');
  const nowS = Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = `${part({ alg: 'none' })}.${part({ sub: id, iat: nowS, exp: nowS + 600 })}.`;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 600 }));
});

beforeAll(async () => {
  broker = await startSecureBroker();
  await new Promise<void>((resolve) => tokenServer.listen(0, '127.0.0.1', resolve));
  tokenUrl = `http://127.0.0.1:${(tokenServer.address() as AddressInfo).port}/token`;
  admin = new kafkajs.Kafka({
    brokers: [...broker.admin],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 2 }], waitForLeaders: false });
  const allow = (
    principal: string,
    resourceType: number,
    resourceName: string,
    operation: number,
  ) => ({
    principal: `User:${principal}`,
    resourceType,
    resourceName,
    operation,
    host: '*',
    permissionType: AclPermissionTypes.ALLOW,
    resourcePatternType: ResourcePatternTypes.LITERAL,
  });
  const { READ, WRITE, DESCRIBE } = AclOperationTypes;
  await admin.createAcls({
    acl: [
      ...['reader', 'CN=odograph'].flatMap((principal) => [
        allow(principal, AclResourceTypes.TOPIC, TOPIC, READ),
        allow(principal, AclResourceTypes.TOPIC, TOPIC, DESCRIBE),
        allow(principal, AclResourceTypes.GROUP, GROUP, READ),
      ]),
      allow('writer', AclResourceTypes.TOPIC, TOPIC, WRITE),
    ],
  });
}, 120_000);
afterAll(async () => {
  tokenServer.close();
  await admin?.disconnect();
  await broker?.stop();
});

/** The settings of a login, as environment. */
function environment(login: keyof typeof LOGINS, brokers = broker.sasl): Record<string, string> {
  return {
    KAFKA_BROKERS: brokers.join(','),
    KAFKA_SSL: 'true',
    KAFKA_SSL_CA: `${tls}ca.pem`,
    KAFKA_SASL_MECHANISM: 'plain',
    KAFKA_SASL_USERNAME: login,
    KAFKA_SASL_PASSWORD: LOGINS[login],
  };
}

async function readOffsets(env: Record<string, string>): Promise<number> {
  const config = readConfig(env);
  const kafka = createKafka(kafkaSettings(config, config.kafkaBrokers), log);
  try {
    return (await kafka.offsets(TOPIC)).size;
  } finally {
    await kafka.close();
  }
}

describe('a broker with TLS and logins', () => {
  it('is reached with PLAIN over TLS', async () => {
    expect(await readOffsets(environment('reader'))).toBe(2);
  });

  it('is reached with a client certificate', async () => {
    const { KAFKA_SSL, KAFKA_SSL_CA } = environment('reader');
    const files = { KAFKA_SSL_CERT: `${tls}client.pem`, KAFKA_SSL_KEY: `${tls}client.key` };
    const env = {
      KAFKA_BROKERS: broker.mutual.join(','),
      KAFKA_SSL: KAFKA_SSL!,
      KAFKA_SSL_CA: KAFKA_SSL_CA!,
      ...files,
    };
    expect(await readOffsets(env)).toBe(2);
  });

  it('is reached with a token of an OAuth 2.0 issuer', async () => {
    const env = {
      ...environment('reader'),
      KAFKA_SASL_MECHANISM: 'oauthbearer',
      KAFKA_SASL_PASSWORD: 'secret',
      KAFKA_SASL_TOKEN_URL: tokenUrl,
    };
    expect(await readOffsets(env)).toBe(2);
    await expect(readOffsets({ ...env, KAFKA_SASL_PASSWORD: 'wrong' })).rejects.toThrow('401');
  });

  it('is not trusted when another authority signed its certificate', async () => {
    const env = { ...environment('reader'), KAFKA_SSL_CA: `${tls}other-ca.pem` };
    await expect(readOffsets(env)).rejects.toThrow(/certificate|signature/);
  }, 120_000);
});

describe('least rights', () => {
  it('suffice to send, and a stranger is told which right is missing', async () => {
    const sent = await runCli(['send', LINE], { env: environment('writer') });
    expect(sent).toMatchObject({ code: 0, stdout: 'sent 1 line to telematics\n' });
    const refused = await runCli(['send', LINE], { env: environment('stranger') });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('grant DESCRIBE and READ (to send: WRITE) on it');
    expect(refused.stderr).not.toContain('    at ');
  });

  it('are found by doctor, which names a missing one', async () => {
    const reader = await runCli(['doctor'], { env: environment('reader') });
    expect(reader.stdout).toContain(
      '✓ the login may use the topic telematics and the group odograph',
    );
    expect(reader.stdout).toContain('· whose clock stamps telematics is not visible to this login');
    const otherGroup = { ...environment('reader'), KAFKA_GROUP_ID: 'other' };
    const noGroup = await runCli(['doctor'], { env: otherGroup });
    expect(noGroup.stdout).toContain('the login lacks READ on the group other');
    expect(noGroup.code).toBe(1);
    const stranger = await runCli(['doctor'], { env: environment('stranger') });
    expect(stranger.stdout).toContain('the login lacks DESCRIBE and READ');
  });
});
