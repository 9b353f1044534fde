/**
 * A front end without a screen: pages of a device's trips from a cache, what a role may not see, and the trips as they
 * change, through lost connections.
 *
 *   ODOGRAPH_TOKEN=… node --import ./scripts/typescript.js examples/front-end-apollo/run.ts <device>
 *
 * It ends with its input (Ctrl-D). ODOGRAPH_URL is the API's address; LISTED_ONLY=true says that it answers the operations
 * of its manifest alone.
 */
import { filter, firstValueFrom, fromEvent, lastValueFrom, takeUntil, tap } from 'rxjs';
import { createOdographClient } from './client.ts';
import { codesOf, followTrips } from './follow.ts';
import type { TripRowFragment } from './generated/operations.ts';
import { TripPageDocument, WhereItBeganDocument } from './generated/operations.ts';

const [deviceId = 'ID-203217'] = process.argv.slice(2);
const PAGE = 2;
const { client, close } = createOdographClient({
  url: `${process.env['ODOGRAPH_URL'] ?? 'http://127.0.0.1:4000'}/graphql`,
  token: () => process.env['ODOGRAPH_TOKEN'] ?? '',
  listedOnly: process.env['LISTED_ONLY'] === 'true',
});

const describe = ({ startedAt, status, distanceKm, revision }: TripRowFragment) =>
  `${startedAt} ${status} ${distanceKm} km, revision ${revision}`;

/** What a screen would watch: all pages that were fetched, in one list. */
const list = client.watchQuery({ query: TripPageDocument, variables: { deviceId, first: PAGE } });
const shown = list.subscribe({ error: () => undefined });
const fromCache = () =>
  client.readQuery({ query: TripPageDocument, variables: list.variables })?.trips;
const { error: refusal } = await firstValueFrom(list.pipe(filter(({ loading }) => !loading)));
if (refusal) {
  console.error(`${codesOf(refusal).join()} ${refusal.message}`);
  process.exit(1);
}
for (let page = fromCache(); page?.pageInfo.hasNextPage; page = fromCache()) {
  await list.fetchMore({ variables: { after: page.pageInfo.endCursor } });
}
const nodes = () => fromCache()?.edges.map(({ node }) => node) ?? [];
for (const trip of nodes()) console.log(describe(trip));

const [newest] = nodes();
if (newest) {
  // What a role may not see is null, and said in `error`; the rest is there.
  const { data, error } = await client.query({
    query: WhereItBeganDocument,
    variables: { id: newest.id },
    errorPolicy: 'all',
  });
  const start = data?.node?.__typename === 'Trip' ? data.node.start : null;
  console.log(
    start ? `it began at ${start.lat},${start.lon}` : `its place is ${codesOf(error).join()}`,
  );
}

const changed = followTrips(client, deviceId).pipe(
  takeUntil(fromEvent(process.stdin.resume(), 'end')),
  tap(({ trip }) => console.log(`changed: ${describe(trip)}`)),
);
await lastValueFrom(changed, { defaultValue: undefined });
console.log(
  `revisions in the list: ${nodes()
    .map(({ revision }) => revision)
    .join()}`,
);
shown.unsubscribe();
await close();
