// Prints a device's events as they are stored: node examples/live/telemetry.js ID-203217
// Reads address and token from the data folder of `npm start`.
import { existsSync, readFileSync } from 'node:fs';
import { follow } from './follow.js';

const [deviceId = 'ID-203217'] = process.argv.slice(2);
const folder = process.env.ODOGRAPH_DATA_DIR ?? '.odograph';
const facts = `${folder}/run.json`;
if (!existsSync(facts)) {
  console.error(`Nothing runs on ${folder}: start \`npm start\` first.`);
  process.exit(1);
}
const { wsUrl, tokens } = JSON.parse(readFileSync(facts, 'utf8'));

await follow({
  url: wsUrl,
  token: () => tokens.OPERATOR,
  query: `subscription ($deviceId: String!, $after: Cursor) {
    telemetry(deviceId: $deviceId, after: $after) { cursor at late speedKmh lat lon }
  }`,
  variables: { deviceId },
  onMessage: ({ at, late, speedKmh, lat, lon }) => {
    const place = lat === null ? 'place not shown' : `${lat},${lon}`;
    console.log(`${at} ${speedKmh ?? '?'} km/h ${place}${late ? ' (late)' : ''}`);
  },
}).catch((error) => {
  const reasons = Array.isArray(error) ? error.map(({ message }) => message) : [error.reason];
  console.error(reasons.join('\n'));
  process.exitCode = 1;
});
