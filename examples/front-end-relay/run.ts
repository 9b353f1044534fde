/**
 * A front end without a screen: a device's trips page by page from Relay's store, what a role may not see, and the trips as
 * they change, through lost connections.
 *
 *   ODOGRAPH_TOKEN=… node --import ./scripts/typescript.js examples/front-end-relay/run.ts <device>
 *
 * It ends with its input (Ctrl-D). ODOGRAPH_URL is the API's address.
 */
import { register } from 'node:module';

register('./artifacts.js', import.meta.url);
const { createEnvironment, Refused } = await import('./environment.ts');
const { followTrips } = await import('./follow.ts');
const { openTripList, readTrip } = await import('./trip-list.ts');

const [deviceId = 'ID-203217'] = process.argv.slice(2);
const { environment, close } = createEnvironment({
  url: `${process.env['ODOGRAPH_URL'] ?? 'http://127.0.0.1:4000'}/graphql`,
  token: () => process.env['ODOGRAPH_TOKEN'] ?? '',
});

const describe = ({ startedAt, status, distanceKm, revision }: ReturnType<typeof readTrip>) =>
  `${startedAt} ${status} ${distanceKm} km, revision ${revision}`;

const list = await openTripList(environment, deviceId).catch((error: unknown) => {
  if (!(error instanceof Refused)) throw error;
  console.error(`${error.codes.join()} ${error.message}`);
  process.exit(1);
});
console.log(`first page: ${list.rows().length} trips`);
while (list.hasMore()) await list.loadNext();
for (const trip of list.rows()) console.log(describe(trip));

const [newest] = list.rows();
if (newest) {
  const start = await list.readPlace(newest.id);
  // What a role may not see is said where it is read; the rest is there.
  if (!start?.ok) console.log('its place is not for this role');
  else if (start.value) console.log(`it began at ${start.value.lat},${start.value.lon}`);
}

const stop = new AbortController();
process.stdin.resume().once('end', () => stop.abort());
await followTrips({
  environment,
  deviceId,
  list,
  signal: stop.signal,
  onTrip: (trip) => console.log(`changed: ${describe(readTrip(environment, trip))}`),
});
console.log(
  `revisions in the list: ${list
    .rows()
    .map(({ revision }) => revision)
    .join()}`,
);
// Whoever told of a trip, it is one record, by its id.
const records = environment.getStore().getSource();
const trips = records.getRecordIDs().filter((id) => records.get(id)?.['__typename'] === 'Trip');
console.log(`trips in the store: ${trips.length}`);
await close();
