import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startBroker, type Broker } from '../../src/local/broker.ts';
import { claimPort } from '../../src/local/port.ts';
import { makeFolder } from './child.ts';
import { jars } from './jars.ts';

const tls = fileURLToPath(new URL('../fixtures/tls/', import.meta.url));

/** A broker with TLS, logins and an authorizer. Its plain listener is for the administrator. */
export interface SecureBroker {
  /** Without TLS and login; may do everything. */
  readonly admin: readonly string[];
  /** TLS and SASL: PLAIN and OAUTHBEARER (unsigned tokens). */
  readonly sasl: readonly string[];
  /** TLS with a client certificate. */
  readonly mutual: readonly string[];
  stop(): Promise<void>;
}

/** Logins of PLAIN and their passwords. */
export const LOGINS = {
  reader: 'reader-secret',
  writer: 'writer-secret',
  stranger: 'stranger-secret',
};

const MODULES = 'org.apache.kafka.common.security';

export async function startSecureBroker(): Promise<SecureBroker> {
  const dataDir = makeFolder();
  const pem = path.join(dataDir, 'server-with-key.pem');
  fs.writeFileSync(
    pem,
    ['server.key', 'server.pem']
      .map((name) => fs.readFileSync(path.join(tls, name), 'utf8'))
      .join(''),
  );
  const saslPort = await claimPort(0, { what: 'SASL' });
  const mutualPort = await claimPort(0, { what: 'mutual TLS' });
  const users = Object.entries(LOGINS).map(([user, password]) => `user_${user}="${password}"`);
  const broker: Broker = await startBroker({
    dataDir,
    port: 0,
    libDir: jars,
    listeners: [`SASL_SSL://127.0.0.1:${saslPort}`, `SSL://127.0.0.1:${mutualPort}`],
    settings: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': pem,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': path.join(tls, 'ca.pem'),
      'listener.name.ssl.ssl.client.auth': 'required',
      'listener.name.sasl_ssl.sasl.enabled.mechanisms': 'PLAIN,OAUTHBEARER',
      'listener.name.sasl_ssl.plain.sasl.jaas.config': `${MODULES}.plain.PlainLoginModule required ${users.join(' ')};`,
      'listener.name.sasl_ssl.oauthbearer.sasl.jaas.config': `${MODULES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="unused";`,
    },
  });
  return {
    admin: broker.brokers,
    sasl: [`127.0.0.1:${saslPort}`],
    mutual: [`127.0.0.1:${mutualPort}`],
    stop: async () => {
      await broker.stop();
      fs.rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
