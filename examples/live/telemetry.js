// Prints a device's events as they are stored: node examples/live/telemetry.js ID-203217
// Reads address and token from the data folder of `npm start`. Each message has a cursor; after a lost
// connection the stream goes on behind the last one seen, so nothing is missed and nothing comes twice.
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [deviceId = 'ID-203217'] = process.argv.slice(2);
const folder = process.env.ODOGRAPH_DATA_DIR ?? '.odograph';
const facts = `${folder}/run.json`;
if (!existsSync(facts)) {
  console.error(`Nothing runs on ${folder}: start \`npm start\` first.`);
  process.exit(1);
}
const { wsUrl, tokens } = JSON.parse(readFileSync(facts, 'utf8'));

const query = `subscription ($deviceId: String!, $after: Cursor) {
  telemetry(deviceId: $deviceId, after: $after) { cursor at late speedKmh lat lon }
}`;

let after;
for (;;) {
  const client = createClient({
    url: wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${tokens.OPERATOR}` },
    retryAttempts: 0, // a retry of the client's own would not know the newest cursor
  });
  try {
    for await (const { data, errors } of client.iterate({
      query,
      variables: { deviceId, after },
    })) {
      for (const { message } of errors ?? []) console.error(message);
      if (!data) continue;
      const { cursor, at, late, speedKmh, lat, lon } = data.telemetry;
      after = cursor;
      const place = lat === null ? 'place not shown' : `${lat},${lon}`;
      console.log(`${at} ${speedKmh ?? '?'} km/h ${place}${late ? ' (late)' : ''}`);
    }
    console.error('the server ended the stream, asking again');
  } catch (error) {
    // A GraphQL error (a list) and a token that is not accepted do not get better by asking again.
    if (Array.isArray(error) || [4401, 4403].includes(error.code)) {
      const reasons = Array.isArray(error) ? error.map(({ message }) => message) : [error.reason];
      console.error(reasons.join('\n'));
      process.exitCode = 1;
      break;
    }
    console.error(`connection lost (${error.reason || error.message || error.code}), trying again`);
  }
  await sleep(1_000);
}
