import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { Config } from './config.ts';
import { Problem } from './problem.ts';

/** How to connect and log in to the brokers. */
export interface KafkaSettings {
  readonly brokers: readonly string[];
  /** False: no TLS. */
  readonly ssl: boolean | ConnectionOptions;
  readonly sasl?: KafkaLogin | undefined;
}

type KafkaLogin =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: 'oauthbearer';
      readonly oauthBearerProvider: () => Promise<{ readonly value: string }>;
    };

const TOKEN_TIMEOUT_MS = 10_000;

/** @throws Problem BAD_SETTINGS if a certificate cannot be read */
export function kafkaSettings(config: Config, brokers: readonly string[]): KafkaSettings {
  return { brokers, ssl: tlsOf(config), sasl: loginOf(config) };
}

function tlsOf({ kafkaSsl, kafkaSslCa, kafkaSslCert, kafkaSslKey }: Config) {
  if (!kafkaSsl) return false;
  const files = {
    ca: readPem('KAFKA_SSL_CA', kafkaSslCa),
    cert: readPem('KAFKA_SSL_CERT', kafkaSslCert),
    key: readPem('KAFKA_SSL_KEY', kafkaSslKey),
  };
  const given = Object.entries(files).filter(([, pem]) => pem !== undefined);
  return given.length === 0 ? true : Object.fromEntries(given);
}

function readPem(setting: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Problem(
      'BAD_SETTINGS',
      `${setting} cannot be read: ${(error as Error).message}`,
      'Give the path of a PEM file.',
      error,
    );
  }
}

function loginOf(config: Config): KafkaLogin | undefined {
  const { kafkaSaslMechanism: mechanism } = config;
  const { kafkaSaslUsername: username = '', kafkaSaslPassword: password = '' } = config;
  if (mechanism === undefined) return undefined;
  if (mechanism !== 'oauthbearer') return { mechanism, username, password };
  const { kafkaSaslTokenUrl: url = '', kafkaSaslScope: scope } = config;
  return { mechanism, oauthBearerProvider: () => fetchToken(url, { username, password, scope }) };
}

/** The token of a client by its id and secret: RFC 6749, 4.4. kafkajs asks for one at each connection. */
async function fetchToken(
  url: string,
  { username, password, scope }: { username: string; password: string; scope: string | undefined },
): Promise<{ readonly value: string }> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope && { scope }) });
  const credentials = [username, password].map(encodeURIComponent).join(':');
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    body,
    signal: AbortSignal.timeout(TOKEN_TIMEOUT_MS),
  });
  const answer = (await response.json().catch(() => ({}))) as { access_token?: unknown };
  if (response.ok && typeof answer.access_token === 'string') return { value: answer.access_token };
  throw new Problem(
    'KAFKA_TOKEN',
    `KAFKA_SASL_TOKEN_URL answered ${response.status} without an access token.`,
    'Check KAFKA_SASL_TOKEN_URL, KAFKA_SASL_USERNAME (client id), KAFKA_SASL_PASSWORD (client secret) and KAFKA_SASL_SCOPE.',
  );
}
