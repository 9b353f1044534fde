import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { getDistDirectory, isSandboxFrame, renderAltair, SANDBOX_FRAME_CSP } from 'altair-static';
import type { FastifyInstance } from 'fastify';

const ASSETS = '/console/';
const ENDPOINT = 'address of the API';
const SOCKET = 'address of its sockets';
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

/** The last one is shown first. */
const EXAMPLES: readonly { readonly name: string; readonly query: string }[] = [
  {
    name: 'A driver and his score',
    query: `query Driver($externalId: String!) {
  driver(externalId: $externalId) {
    name
    habits(days: 30) {
      distanceKm
      drivingHours
      nightShare
      rates { kind count per100Km low high credibility }
    }
    score { value status parts { metric points reason } version }
  }
}
`,
  },
  {
    name: 'Live telemetry',
    query: `subscription Live($deviceId: String!, $after: Cursor) {
  telemetry(deviceId: $deviceId, after: $after) {
    cursor
    at
    lat
    lon
    speedKmh
  }
}
`,
  },
  {
    name: 'Live trips',
    query: `subscription Trips($deviceId: String!, $after: Cursor) {
  tripUpdates(deviceId: $deviceId, after: $after) {
    cursor
    trip { id status startedAt distanceKm revision updatedAt }
  }
}
`,
  },
  {
    name: 'Newest trips',
    query: `# Ctrl+Enter asks. The environment (top right) holds the token.
{
  trips(first: 10) {
    nodes {
      deviceId
      status
      startedAt
      endedAt
      timeZone
      distanceKm
      distanceSource
      maxSpeedKmh
      events { kind severity at }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  },
];

/**
 * Serves the console at `/`. Everything it needs comes from here, and the page may load nothing from
 * elsewhere.
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
    // A page elsewhere whose name was pointed at this machine must not read the tokens.
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
  const headers = { Authorization: 'Bearer {{token}}' };
  const offered = Object.entries(tokens);
  const window = (name: string, query: string) => ({
    initialName: name,
    initialQuery: query,
    initialHeaders: headers,
    endpointURL: ENDPOINT,
    subscriptionsEndpoint: SOCKET,
    initialSubscriptionRequestHandlerId: 'graphql-ws' as const,
    initialSubscriptionsPayload: headers,
  });
  const html = renderAltair({
    baseURL: ASSETS,
    cspNonce: nonce,
    initialWindows: EXAMPLES.map(({ name, query }) => window(name, query)),
    initialEnvironments: {
      base: { title: 'Token', variables: { token: offered[0]?.[1] ?? 'paste a token here' } },
      subEnvironments: offered.map(([role, token]) => ({
        id: role,
        title: role,
        variables: { token },
      })),
    },
    instanceStorageNamespace: 'odograph_',
    initialSettings: {
      theme: 'system',
      disablePushNotification: true,
      'alert.disableUpdateNotification': true,
      'banners.disable': true,
    },
    disableAccount: true,
  });
  // Altair wants whole addresses, and only the page knows under which name it was asked for.
  const address = `new URL(${JSON.stringify(path)}, location.href).href`;
  return html
    .replaceAll(`\`${ENDPOINT}\``, address)
    .replaceAll(`\`${SOCKET}\``, `${address}.replace(/^http/, 'ws')`);
}

function isLoopback(host: string | undefined): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host ?? '');
}
