import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { getDistDirectory, isSandboxFrame, renderAltair, SANDBOX_FRAME_CSP } from 'altair-static';
import type { FastifyInstance } from 'fastify';
import type { Example } from './console-examples.ts';
import { EXAMPLES } from './console-examples.ts';
import type { Role } from './generated/schema.ts';

const ASSETS = '/console/';
const ENDPOINT = 'address of the API';
const SOCKET = 'address of its sockets';
/** The role that most examples are written for. */
const START_AS: Role = 'INSURER';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
};

/**
 * Serves the console at `/`. All its files come from this server, and its content security policy forbids
 * other origins.
 */
export function serveConsole(
  app: FastifyInstance,
  {
    path,
    localTokens,
  }: { path: string; localTokens: Readonly<Record<string, string>> | undefined },
): void {
  const folder = getDistDirectory();
  app.get('/', async (request, reply) => {
    const nonce = randomBytes(16).toString('base64');
    const { host } = request.headers;
    // DNS rebinding: a foreign page whose name resolves to this machine must not read the tokens.
    const tokens = isLoopback(host) ? (localTokens ?? {}) : {};
    await reply
      .headers({
        'content-security-policy': [
          "default-src 'self'",
          `script-src 'self' 'nonce-${nonce}'`,
          "style-src 'self' 'unsafe-inline'",
          "img-src 'self' data:",
          "font-src 'self' data:",
          `connect-src 'self' ws://${host ?? ''} wss://${host ?? ''}`,
          "worker-src 'self' blob:",
          "base-uri 'self'",
          "form-action 'none'",
          "frame-ancestors 'none'",
        ].join('; '),
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      })
      .type('text/html; charset=utf-8')
      .send(renderPage(path, nonce, tokens));
  });
  app.get(`${ASSETS}*`, async (request, reply) => {
    const name = (request.params as { '*': string })['*'];
    const type = TYPES[extname(name)];
    if (type === undefined || name.split('/').includes('..')) return reply.callNotFound();
    const bytes = await readFile(join(folder, name)).catch(() => undefined);
    if (bytes === undefined) return reply.callNotFound();
    if (isSandboxFrame(name)) {
      void reply.header('content-security-policy', SANDBOX_FRAME_CSP);
    }
    return reply.header('x-content-type-options', 'nosniff').type(type).send(bytes);
  });
}

function renderPage(path: string, nonce: string, tokens: Readonly<Record<string, string>>): string {
  const use = (token: string) => ({ token, headers: { Authorization: `Bearer ${token}` } });
  const offered = Object.entries(tokens);
  const window = ({ name, query, variables = {} }: Example) => ({
    initialName: name,
    initialQuery: query,
    initialVariables: JSON.stringify(variables, null, 2),
    endpointURL: ENDPOINT,
    subscriptionsEndpoint: SOCKET,
    initialSubscriptionRequestHandlerId: 'graphql-ws' as const,
    initialSubscriptionsPayload: { Authorization: 'Bearer {{token}}' },
  });
  const html = renderAltair({
    baseURL: ASSETS,
    cspNonce: nonce,
    initialWindows: EXAMPLES.map(window),
    initialEnvironments: {
      base: { title: 'Token', variables: use(tokens[START_AS] ?? 'paste a token here') },
      ...(START_AS in tokens && { activeSubEnvironment: START_AS }),
      subEnvironments: offered.map(([role, token]) => ({
        id: role,
        title: role,
        variables: use(token),
      })),
    },
    instanceStorageNamespace: 'odograph_',
    initialSettings: {
      theme: 'system',
      'schema.reload.onEnvChange': true,
      disablePushNotification: true,
      'alert.disableUpdateNotification': true,
      'banners.disable': true,
    },
    disableAccount: true,
  });
  // Altair needs absolute URLs, and only the page knows the host name that it was loaded from.
  const address = `new URL(${JSON.stringify(path)}, location.href).href`;
  return html
    .replaceAll(`\`${ENDPOINT}\``, address)
    .replaceAll(`\`${SOCKET}\``, `${address}.replace(/^http/, 'ws')`);
}

function isLoopback(host: string | undefined): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host ?? '');
}
