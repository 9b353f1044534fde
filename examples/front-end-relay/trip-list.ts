import type { GraphQLTaggedNode, IEnvironment } from 'relay-runtime';
import {
  createOperationDescriptor,
  fetchQuery,
  getFragment,
  getRequest,
  getSingularSelector,
  graphql,
} from 'relay-runtime';
// What the compiler writes because of @refetchable; React's hooks find these by themselves.
import pageQuery from './generated/tripListPageQuery.graphql.ts';
import type { tripListPageQuery } from './generated/tripListPageQuery.graphql.ts';
import placeQuery from './generated/tripListPlaceQuery.graphql.ts';
import type { tripListPlaceQuery } from './generated/tripListPlaceQuery.graphql.ts';
import type { tripListQuery } from './generated/tripListQuery.graphql.ts';
import type {
  tripList_place$data,
  tripList_place$key,
} from './generated/tripList_place.graphql.ts';
import type { tripList_trips$key } from './generated/tripList_trips.graphql.ts';
import type { tripList_trip$data, tripList_trip$key } from './generated/tripList_trip.graphql.ts';

const PAGE = 2;

const listQuery = graphql`
  query tripListQuery($deviceId: String!, $first: Int!) {
    ...tripList_trips @arguments(deviceId: $deviceId, first: $first)
  }
`;

const tripsFragment = graphql`
  fragment tripList_trips on Query
  @argumentDefinitions(
    deviceId: { type: "String!" }
    first: { type: "Int!" }
    after: { type: "Cursor" }
  )
  @refetchable(queryName: "tripListPageQuery") {
    trips(filter: { deviceId: $deviceId }, first: $first, after: $after)
      @connection(key: "tripList_trips") {
      __id
      edges {
        node {
          ...tripList_trip
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;

const tripFragment = graphql`
  fragment tripList_trip on Trip {
    id
    status
    startedAt
    distanceKm
    revision
    withdrawn
    supersededBy {
      id
    }
  }
`;

const placeFragment = graphql`
  fragment tripList_place on Trip @refetchable(queryName: "tripListPlaceQuery") {
    start @catch {
      lat
      lon
    }
  }
`;

/** A device's trips as a screen would show them, the newest first, from Relay's store. */
export interface TripList {
  /** The connection's id in the store, for what adds to it. */
  readonly id: string;
  /** What is there now; trips that late messages merged into others or took away are left out. */
  rows(): tripList_trip$data[];
  hasMore(): boolean;
  loadNext(): Promise<void>;
  /** Begins again with the first page. */
  reload(): Promise<void>;
  /** Where a trip began, asked by its id; `ok` is false where the role may not know. */
  readPlace(tripId: string): Promise<tripList_place$data['start'] | undefined>;
}

/** @throws Refused where the API would not tell */
export async function openTripList(environment: IEnvironment, deviceId: string): Promise<TripList> {
  const variables = { deviceId, first: PAGE };
  const load = () => fetchQuery<tripListQuery>(environment, listQuery, variables).toPromise();
  // What nobody retains may be collected.
  environment.retain(createOperationDescriptor(getRequest(listQuery), variables));
  const root = (await load()) as tripList_trips$key;
  const connection = () => {
    const { trips } = read(environment, tripsFragment, root);
    if (!trips) throw new Error('this role may not list trips');
    return trips;
  };
  return {
    id: connection().__id,
    rows: () =>
      connection()
        .edges.map(({ node }) => readTrip(environment, node))
        .filter(({ withdrawn, supersededBy }) => !withdrawn && !supersededBy),
    hasMore: () => connection().pageInfo.hasNextPage,
    loadNext: async () => {
      const after = connection().pageInfo.endCursor ?? null;
      const page = { ...variables, after };
      await fetchQuery<tripListPageQuery>(environment, pageQuery, page).toPromise();
    },
    reload: async () => {
      await load();
    },
    readPlace: async (id) => {
      const query = fetchQuery<tripListPlaceQuery>(environment, placeQuery, { id });
      const node = (await query.toPromise())?.node;
      return node ? read(environment, placeFragment, node as tripList_place$key).start : undefined;
    },
  };
}

/** A trip that a list or a subscription told, as the store has it now. */
export function readTrip(environment: IEnvironment, trip: tripList_trip$key): tripList_trip$data {
  return read(environment, tripFragment, trip);
}

/** What React's useFragment gives a component. */
function read<Key extends { readonly ' $data'?: unknown }>(
  environment: IEnvironment,
  fragment: GraphQLTaggedNode,
  key: Key,
): Required<Key>[' $data'] {
  return environment.lookup(getSingularSelector(getFragment(fragment), key)).data;
}
