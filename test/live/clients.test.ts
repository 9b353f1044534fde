import { spawn } from 'node:child_process';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { cacheExchange, Client, fetchExchange } from '@urql/core';
import { createClient as createEventStreamClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import type { Claims } from '../api/client.ts';
import { signToken } from '../api/client.ts';
import { useApi } from '../support/api.ts';
import { until } from '../support/child.ts';

const { api, rows } = await useApi();
const OPERATOR: Claims = { role: 'OPERATOR' };
const tenant = await rows.addTenant('acme');
const SUBSCRIPTION = 'subscription ($deviceId: String!) { telemetry(deviceId: $deviceId) { at } }';

interface Message {
  readonly telemetry: { readonly at: string };
}

let deviceId: string;
let device: number;
let count = 0;

beforeEach(async () => {
  deviceId = `ID-${++count}`;
  device = await rows.addDevice(deviceId, tenant);
});
afterEach(async () => {
  await until('every subscription and connection to end', () => {
    const { connections, subscriptions } = api.live();
    return connections === 0 && subscriptions === 0;
  });
});

const at = (second: number) => new Date(Date.UTC(2015, 4, 15, 0, 0, second)).toISOString();

async function headers(): Promise<{ authorization: string }> {
  return { authorization: `Bearer ${await signToken(OPERATOR)}` };
}

/** Starts a subscription, waits until it runs, stores three events, and ends it when they have arrived. */
async function follow(
  start: (
    onMessage: (message: Message) => void,
    onError: (error: unknown) => void,
  ) => Promise<() => void>,
): Promise<readonly string[]> {
  const seen: string[] = [];
  const errors: unknown[] = [];
  const stop = await start(
    ({ telemetry }) => seen.push(telemetry.at),
    (error) => errors.push(error),
  );
  await until('the subscription', () => api.live().subscriptions === 1 || errors.length > 0);
  await rows.addEvents(device, [{ at: at(1) }, { at: at(2) }]);
  await rows.addEvents(device, [{ at: at(3) }]);
  await rows.client.query('notify odograph');
  await until('three messages', () => seen.length >= 3 || errors.length > 0);
  expect(errors).toEqual([]);
  stop();
  return seen;
}

const EXPECTED = [at(1), at(2), at(3)];

describe('subscriptions reach', () => {
  it('graphql-ws', async () => {
    const client = createSocketClient({
      url: api.wsUrl,
      webSocketImpl: WebSocket,
      connectionParams: async () => ({ Authorization: (await headers()).authorization }),
    });
    const seen = await follow(async (onMessage, onError) => {
      const stop = client.subscribe<Message>(
        { query: SUBSCRIPTION, variables: { deviceId } },
        { next: ({ data }) => data && onMessage(data), error: onError, complete: () => undefined },
      );
      return Promise.resolve(stop);
    });
    await client.dispose();
    expect(seen).toEqual(EXPECTED);
  });

  it('graphql-sse', async () => {
    const client = createEventStreamClient({ url: `${api.url}/stream`, headers });
    const seen = await follow(async (onMessage, onError) => {
      const stop = client.subscribe<Message>(
        { query: SUBSCRIPTION, variables: { deviceId } },
        { next: ({ data }) => data && onMessage(data), error: onError, complete: () => undefined },
      );
      return Promise.resolve(stop);
    });
    client.dispose();
    expect(seen).toEqual(EXPECTED);
  });

  it('Apollo Client without a WebSocket, by multipart HTTP on the path of queries', async () => {
    const client = new ApolloClient({
      cache: new InMemoryCache(),
      link: new HttpLink({ uri: api.url, headers: await headers() }),
    });
    const seen = await follow(async (onMessage, onError) => {
      const subscription = client
        .subscribe<Message>({ query: gql(SUBSCRIPTION), variables: { deviceId } })
        .subscribe({
          next: ({ data, error }) => (data ? onMessage(data) : onError(error)),
          error: onError,
        });
      return Promise.resolve(() => subscription.unsubscribe());
    });
    client.stop();
    expect(seen).toEqual(EXPECTED);
  });

  it('urql, by server-sent events through its own fetch', async () => {
    const authorized = await headers();
    const client = new Client({
      url: `${api.url}/stream`,
      exchanges: [cacheExchange, fetchExchange],
      fetchSubscriptions: true,
      preferGetMethod: false,
      fetchOptions: { headers: authorized },
    });
    const seen = await follow(async (onMessage, onError) => {
      const { unsubscribe } = client
        .subscription<Message>(SUBSCRIPTION, { deviceId })
        .subscribe(({ data, error }) => (data ? onMessage(data) : onError(error)));
      return Promise.resolve(unsubscribe);
    });
    expect(seen).toEqual(EXPECTED);
  });

  it('curl -N, with headers that make proxies pass each event on at once', async () => {
    let text = '';
    const { authorization } = await headers();
    const seen = await follow(async (onMessage) => {
      const curl = spawn('curl', [
        ...['-sN', '-i', '-H', `authorization: ${authorization}`],
        ...['-H', 'content-type: application/json', '-H', 'accept: text/event-stream'],
        ...['-d', JSON.stringify({ query: SUBSCRIPTION, variables: { deviceId } })],
        `${api.url}/stream`,
      ]);
      curl.stdout.on('data', (data: Buffer) => {
        for (const line of data.toString().split('\n')) {
          const json = /^data: (\{.*)$/.exec(line)?.[1];
          if (json) onMessage((JSON.parse(json) as { data: Message }).data);
        }
        text += data.toString();
      });
      return Promise.resolve(() => curl.kill());
    });
    expect(seen).toEqual(EXPECTED);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text).toMatch(/^content-type: text\/event-stream/im);
    expect(text).toMatch(/^x-accel-buffering: no\r$/im);
    expect(text).toMatch(/^cache-control: no-cache, no-transform\r$/im);
    expect(text).toMatch(/^x-request-id: /im);
  });
});
