import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import type { Session } from '../../src/api/sessions.ts';
import { createSessions } from '../../src/api/sessions.ts';
import { signToken } from '../api/client.ts';
import { useApi } from '../support/api.ts';
import { until } from '../support/child.ts';

const { api, rows, startApi } = await useApi();
const DAY_MS = 86_400_000;
const DRIVER = { role: 'DRIVER', tenant: 'acme', driver: 'ann' } as const;
await rows.addTenant('acme');

/** A socket that has sent its token. */
async function openSocket(wsUrl: string, token: string) {
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws');
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  const types: string[] = [];
  socket.on('message', (data: Buffer) =>
    types.push((JSON.parse(data.toString()) as { type: string }).type),
  );
  await new Promise((resolve) => socket.on('open', resolve));
  socket.send(
    JSON.stringify({ type: 'connection_init', payload: { Authorization: `Bearer ${token}` } }),
  );
  return { socket, closed, types };
}

function follow(socket: WebSocket): void {
  const query = 'subscription { tripUpdates(driverExternalId: "ann") { cursor } }';
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
}

describe('a connection', () => {
  it('ends within five seconds after its token expires, however long the token is valid', () => {
    vi.useFakeTimers({ now: 0 });
    try {
      for (const days of [0.001, 24, 25, 60, 3_650]) {
        const sessions = createSessions(() => Date.now());
        const expiresAtMs = Date.now() + days * DAY_MS;
        let endedAtMs: number | undefined;
        const session: Session = {
          expiresAtMs,
          waitingBytes: () => 0,
          end: () => (endedAtMs ??= Date.now()),
        };
        const leave = sessions.add(session);
        vi.setSystemTime(expiresAtMs - 10_000);
        vi.advanceTimersByTime(9_000);
        expect(endedAtMs).toBeUndefined();
        vi.advanceTimersByTime(6_000);
        expect(endedAtMs! - expiresAtMs).toBeLessThan(5_000);
        leave();
        expect(vi.getTimerCount()).toBe(0);
      }
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends if it takes no data for ten seconds, and stays open if it takes a little', () => {
    vi.useFakeTimers();
    try {
      const sessions = createSessions(() => Date.now());
      const ended: string[] = [];
      let left = 100_000;
      const add = (name: string, waitingBytes: () => number) =>
        sessions.add({
          expiresAtMs: undefined,
          waitingBytes,
          end: (why) => ended.push(`${name} ${why}`),
        });
      const leaves = [add('stuck', () => 70_000), add('slow', () => left), add('quick', () => 0)];
      for (let second = 0; second < 30; second++) {
        vi.advanceTimersByTime(1_000);
        left -= 1_000;
      }
      for (const leave of leaves) leave();
      expect(ended).toEqual(['stuck TOO_SLOW']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('beyond the limits is refused with the time to retry', async () => {
    const small = await startApi({ sessionLimits: { all: 3, each: { DRIVER: 2 } } });
    const token = await signToken(DRIVER);
    const open = [await openSocket(small.wsUrl, token), await openSocket(small.wsUrl, token)];
    await until('both', () => open.every(({ types }) => types.includes('connection_ack')));
    const third = await openSocket(small.wsUrl, token);
    expect(await third.closed).toEqual({
      code: 1013,
      reason: expect.stringMatching(/^UNAVAILABLE: .*2 connections.*Retry in \d+ s\.$/) as string,
    });
    const response = await fetch(`${small.url}/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: '{ viewer { role } }' }),
    });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '10']);
    for (const { socket } of open) socket.terminate();
    await until('their end', () => small.live().connections === 0);
    const next = await openSocket(small.wsUrl, token);
    await until('the next', () => next.types.includes('connection_ack'));
    next.socket.terminate();
  });

  it('is closed with 1012 and its own retry time when the API stops, and leaves nothing behind', async () => {
    const count = () =>
      process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate').length;
    const before = count();
    const own = await startApi();
    const token = await signToken(DRIVER);
    const open = await Promise.all(Array.from({ length: 10 }, () => openSocket(own.wsUrl, token)));
    await until('all', () => open.every(({ types }) => types.includes('connection_ack')));
    for (const { socket } of open) follow(socket);
    await until('the subscriptions', () => own.live().subscriptions === 10);
    await own.stop();
    const closed = await Promise.all(open.map(({ closed: each }) => each));
    expect(new Set(closed.map(({ code }) => code))).toEqual(new Set([1012]));
    expect(
      new Set(closed.map(({ reason }) => /in ([\d.]+) s/.exec(reason)?.[1])).size,
    ).toBeGreaterThan(5);
    expect(own.live()).toEqual({ connections: 0, subscriptions: 0 });
    await until('timers and sockets to go', () => count() <= before);
  });
});

describe('while the keys of the issuer cannot be fetched', () => {
  it('clients get 503 over HTTP and 1013 on a socket until the keys can be fetched', async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256' };
    let answer: 'keys' | 'nothing' | 'html' | 'drop' = 'drop';
    const issuer = createServer((_, response) => {
      if (answer === 'drop') response.destroy();
      else if (answer === 'nothing') response.writeHead(503).end();
      else if (answer === 'html') response.end('<html>');
      else
        response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
    });
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
    const jwksUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/`;
    const own = await startApi({ auth: { jwksUrl } });
    const sign = (kid: string) =>
      new SignJWT(DRIVER)
        .setProtectedHeader({ alg: 'RS256', kid })
        .setExpirationTime('10m')
        .sign(privateKey);
    const token = await sign('k');
    const send = (path: string) =>
      fetch(`${own.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: '{ viewer { role } }' }),
      });
    for (const each of ['drop', 'nothing', 'html'] as const) {
      answer = each;
      for (const path of ['', '/stream']) {
        const response = await send(path);
        expect([path, each, response.status]).toEqual([path, each, 503]);
        expect(response.headers.get('retry-after')).toBe('5');
      }
      const { closed } = await openSocket(own.wsUrl, token);
      expect(await closed).toMatchObject({ code: 1013 });
    }
    answer = 'keys';
    expect((await send('')).status).toBe(200);
    const unknown = await openSocket(own.wsUrl, await sign('other'));
    expect(await unknown.closed).toMatchObject({ code: 4401 });
    issuer.closeAllConnections();
    issuer.close();
  });
});

it('an API answers while its sockets are open', async () => {
  const { socket, types } = await openSocket(api.wsUrl, await signToken(DRIVER));
  await until('the acknowledgement', () => types.includes('connection_ack'));
  socket.terminate();
  await until('its end', () => api.live().connections === 0);
});
