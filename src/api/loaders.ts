import DataLoader from 'dataloader';
import type { CanonicalEvent } from '../core/event.ts';
import type { AssignmentRow, DeviceRow, TenancyRow } from '../store/read/devices.ts';
import {
  readAssignments,
  readDevices,
  readDevicesByName,
  readTenancies,
} from '../store/read/devices.ts';
import type { LeftOutFieldRow } from '../store/read/left-out-fields.ts';
import { readLeftOutFields } from '../store/read/left-out-fields.ts';
import type { BillRow } from '../store/read/bills.ts';
import {
  readBillDocuments,
  readBills,
  readBillsByNumber,
  readBillsOfPolicies,
} from '../store/read/bills.ts';
import type { DriverRow, VehicleRow } from '../store/read/drivers.ts';
import { readDrivers, readDriversByName, readVehicles } from '../store/read/drivers.ts';
import type { DisputeRow, LeftOutRow } from '../store/read/disputes.ts';
import { readDisputedTrips, readDisputes, readDisputesOfPolicies } from '../store/read/disputes.ts';
import type { DrivingEventPlace, DrivingEventRow } from '../store/read/driving-events.ts';
import { readDrivingEvents, readDrivingEventsOfTrips } from '../store/read/driving-events.ts';
import type { ExposureRow } from '../store/read/exposure.ts';
import { readDriverExposure } from '../store/read/exposure.ts';
import type { Transaction } from '../store/transaction.ts';
import type { DriveRow } from '../store/read/drives.ts';
import { readDrives } from '../store/read/drives.ts';
import type { EventSpan } from '../store/read/events.ts';
import { readPaths } from '../store/read/events.ts';
import type { Page, PageRequest } from '../store/read/page.ts';
import type { PolicyAmendmentRow, PolicyParts, PolicyRow } from '../store/read/policies.ts';
import {
  readAmendments,
  readPolicies,
  readPoliciesByNumber,
  readPoliciesOfDrivers,
  readPolicyParts,
} from '../store/read/policies.ts';
import type { ReadTransaction } from '../store/read/transaction.ts';
import type { TariffRow } from '../store/read/tariffs.ts';
import { readTariffs } from '../store/read/tariffs.ts';
import type { TripSelection } from '../store/read/trip-columns.ts';
import type { TripCriteria, TripKey } from '../store/read/trips.ts';
import type { TripRow } from '../store/read/trip-row.ts';
import { readTripPages } from '../store/read/trip-pages.ts';
import { readTrips, readTripsByStart } from '../store/read/trips.ts';

export interface TripStart {
  readonly deviceRef: number;
  readonly startedAtMs: number;
}

/** A page of the trips of one driver or device. */
export interface OwnedTrips {
  readonly of: 'driver' | 'device';
  readonly ref: number;
  readonly criteria: TripCriteria;
  readonly page: PageRequest<TripKey>;
  readonly selection: TripSelection;
}

/** A driver's days within half-open local dates. */
export interface DriverWindow {
  readonly ref: number;
  readonly from: string;
  readonly to: string;
}

/** What fields of lists load: all of one kind that a request needs at once, in one statement. */
export interface Loaders {
  readonly driver: DataLoader<number, DriverRow | null>;
  /** By external id. */
  readonly driverByName: DataLoader<string, DriverRow | null>;
  readonly vehicle: DataLoader<number, VehicleRow | null>;
  readonly device: DataLoader<number, DeviceRow | null>;
  /** By the id that it sends. */
  readonly deviceByName: DataLoader<string, DeviceRow | null>;
  readonly trip: DataLoader<number, TripRow | null>;
  readonly tripByStart: DataLoader<TripStart, TripRow | null, string>;
  readonly tripPage: DataLoader<OwnedTrips, Page<TripRow>, string>;
  readonly path: DataLoader<TripRow, readonly CanonicalEvent[], number>;
  readonly drivingEvent: DataLoader<DrivingEventPlace, DrivingEventRow | null, string>;
  readonly drivingEvents: DataLoader<TripStart, readonly DrivingEventRow[], string>;
  readonly assignments: DataLoader<number, readonly AssignmentRow[]>;
  readonly tenancies: DataLoader<number, readonly TenancyRow[]>;
  /** By device. */
  readonly leftOutFields: DataLoader<number, readonly LeftOutFieldRow[]>;
  /** By driver. */
  readonly policies: DataLoader<number, readonly PolicyRow[]>;
  readonly policy: DataLoader<number, PolicyRow | null>;
  readonly policyByNumber: DataLoader<string, PolicyRow | null>;
  readonly policyParts: DataLoader<number, PolicyParts>;
  readonly amendments: DataLoader<number, readonly PolicyAmendmentRow[]>;
  readonly bill: DataLoader<number, BillRow | null>;
  readonly billByNumber: DataLoader<string, BillRow | null>;
  /** Everything issued for a policy, in the order of issue. */
  readonly bills: DataLoader<number, readonly BillRow[]>;
  /** By bill: its document, canonical JSON. */
  readonly billDocument: DataLoader<number, string>;
  readonly dispute: DataLoader<number, DisputeRow | null>;
  /** By policy. */
  readonly disputes: DataLoader<number, readonly DisputeRow[]>;
  /** By policy: what its disputes leave out. */
  readonly leftOut: DataLoader<number, readonly LeftOutRow[]>;
  /** By name. */
  readonly tariff: DataLoader<string, TariffRow | null>;
  readonly exposure: DataLoader<DriverWindow, readonly ExposureRow[], string>;
  readonly drives: DataLoader<DriverWindow, readonly DriveRow[], string>;
}

export function createLoaders(reading: ReadTransaction): Loaders {
  const nameOf = ({ deviceRef, atMs, kind, source }: DrivingEventPlace) =>
    JSON.stringify([deviceRef, atMs, kind, source]);
  const startKey = (start: TripStart) => `${start.deviceRef} ${start.startedAtMs}`;
  return {
    driver: oneEach(
      (refs) => reading.run((tx) => readDrivers(tx, refs)),
      (row) => row.ref,
    ),
    driverByName: oneEach(
      (names) => reading.run((tx) => readDriversByName(tx, names)),
      (row) => row.externalId,
    ),
    vehicle: oneEach(
      (refs) => reading.run((tx) => readVehicles(tx, refs)),
      (row) => row.ref,
    ),
    device: oneEach(
      (refs) => reading.run((tx) => readDevices(tx, refs)),
      (row) => row.ref,
    ),
    deviceByName: oneEach(
      (names) => reading.run((tx) => readDevicesByName(tx, names)),
      (row) => row.deviceId,
    ),
    trip: oneEach(
      (ids) => reading.run((tx) => readTrips(tx, ids)),
      (row) => row.id,
    ),
    tripByStart: new DataLoader(
      async (starts: readonly TripStart[]) => {
        const rows = await reading.run((tx) => readTripsByStart(tx, starts));
        const byStart = new Map(rows.map((row) => [startKey(row), row]));
        return starts.map((start) => byStart.get(startKey(start)) ?? null);
      },
      { cacheKeyFn: startKey },
    ),
    tripPage: createTripPageLoader(reading),
    path: new DataLoader(
      async (trips: readonly TripRow[]) => {
        const spans: EventSpan[] = [...trips];
        return reading.run((tx) => readPaths(tx, spans));
      },
      { cacheKeyFn: (trip) => trip.id },
    ),
    drivingEvent: new DataLoader(
      async (keys: readonly DrivingEventPlace[]) => {
        const rows = await reading.run((tx) => readDrivingEvents(tx, keys));
        const byName = new Map(rows.map((row) => [nameOf(row), row]));
        return keys.map((key) => byName.get(nameOf(key)) ?? null);
      },
      { cacheKeyFn: nameOf },
    ),
    drivingEvents: new DataLoader(
      async (starts: readonly TripStart[]) => {
        const rows = await reading.run((tx) => readDrivingEventsOfTrips(tx, starts));
        const byTrip = group(rows, (row) =>
          startKey({ deviceRef: row.deviceRef, startedAtMs: row.tripStartedAtMs }),
        );
        return starts.map((start) => byTrip.get(startKey(start)) ?? []);
      },
      { cacheKeyFn: startKey },
    ),
    assignments: manyEach(
      (refs) => reading.run((tx) => readAssignments(tx, refs)),
      (row) => row.deviceRef,
    ),
    tenancies: manyEach(
      (refs) => reading.run((tx) => readTenancies(tx, refs)),
      (row) => row.deviceRef,
    ),
    leftOutFields: manyEach(
      (refs) => reading.run((tx) => readLeftOutFields(tx, refs)),
      (row) => row.deviceRef,
    ),
    policies: manyEach(
      (refs) => reading.run((tx) => readPoliciesOfDrivers(tx, refs)),
      (row) => row.driverRef,
    ),
    policy: oneEach(
      (refs) => reading.run((tx) => readPolicies(tx, refs)),
      (row) => row.ref,
    ),
    policyByNumber: oneEach(
      (names) => reading.run((tx) => readPoliciesByNumber(tx, names)),
      (row) => row.number,
    ),
    policyParts: new DataLoader(async (refs: readonly number[]) => {
      const parts = await reading.run((tx) => readPolicyParts(tx, refs));
      return refs.map((ref) => parts.get(ref) ?? new Error(`no policy ${ref}`));
    }),
    amendments: manyEach(
      (refs) => reading.run((tx) => readAmendments(tx, refs)),
      (row) => row.policyRef,
    ),
    bill: oneEach(
      (refs) => reading.run((tx) => readBills(tx, refs)),
      (row) => row.ref,
    ),
    billByNumber: oneEach(
      (names) => reading.run((tx) => readBillsByNumber(tx, names)),
      (row) => row.number,
    ),
    bills: manyEach(
      (refs) => reading.run((tx) => readBillsOfPolicies(tx, refs)),
      (row) => row.policyRef,
    ),
    billDocument: new DataLoader(async (refs: readonly number[]) => {
      const rows = await reading.run((tx) => readBillDocuments(tx, refs));
      const documents = new Map(rows.map(({ ref, document }) => [ref, document]));
      return refs.map((ref) => documents.get(ref) ?? new Error(`no bill ${ref}`));
    }),
    dispute: oneEach(
      (refs) => reading.run((tx) => readDisputes(tx, refs)),
      (row) => row.ref,
    ),
    disputes: manyEach(
      (refs) => reading.run((tx) => readDisputesOfPolicies(tx, refs)),
      (row) => row.policyRef,
    ),
    leftOut: manyEach(
      (refs) => reading.run((tx) => readDisputedTrips(tx, refs)),
      (row) => row.policyRef,
    ),
    tariff: oneEach(
      (names) => reading.run((tx) => readTariffs(tx, names)),
      (row) => row.name,
    ),
    exposure: createWindowLoader(reading, readDriverExposure),
    drives: createWindowLoader(reading, readDrives),
  };
}

/** What is asked of drivers within the same dates is one statement. */
function createWindowLoader<Row extends { readonly driverRef: number }>(
  reading: ReadTransaction,
  read: (
    tx: Transaction,
    refs: readonly number[],
    from: string,
    to: string,
  ) => Promise<readonly Row[]>,
): DataLoader<DriverWindow, readonly Row[], string> {
  const datesOf = ({ from, to }: DriverWindow) => `${from} ${to}`;
  return new DataLoader(
    async (windows: readonly DriverWindow[]) => {
      const answers = new Map<string, ReadonlyMap<number, readonly Row[]>>();
      for (const [dates, asked] of group(windows, datesOf)) {
        const [{ from, to }] = asked;
        const refs = asked.map(({ ref }) => ref);
        const rows = await reading.run((tx) => read(tx, refs, from, to));
        answers.set(
          dates,
          group(rows, (row) => row.driverRef),
        );
      }
      return windows.map((window) => answers.get(datesOf(window))?.get(window.ref) ?? []);
    },
    { cacheKeyFn: (window) => `${window.ref} ${datesOf(window)}` },
  );
}

/** Pages that differ only in their owner are one statement. */
function createTripPageLoader(reading: ReadTransaction): Loaders['tripPage'] {
  const questionOf = ({ of, criteria, page, selection }: OwnedTrips) =>
    JSON.stringify([of, criteria, page, selection.key]);
  return new DataLoader(
    async (wanted: readonly OwnedTrips[]) => {
      const groups = group(wanted, questionOf);
      const pages = new Map<string, ReadonlyMap<number, Page<TripRow>>>();
      for (const [question, asked] of groups) {
        const [{ of, criteria, page, selection }] = asked;
        const refs = asked.map(({ ref }) => ref);
        const answer = await reading.run((tx) =>
          readTripPages(tx, { of, refs }, criteria, 'DESC', page, selection),
        );
        pages.set(question, answer);
      }
      return wanted.map(
        (one) =>
          pages.get(questionOf(one))?.get(one.ref) ?? {
            rows: [],
            hasNext: false,
            hasPrevious: false,
          },
      );
    },
    { cacheKeyFn: (one) => `${one.ref} ${questionOf(one)}` },
  );
}

function oneEach<Key extends number | string, Row>(
  read: (keys: readonly Key[]) => Promise<readonly Row[]>,
  keyOf: (row: Row) => Key,
): DataLoader<Key, Row | null> {
  return new DataLoader(async (keys: readonly Key[]) => {
    const rows = new Map((await read(keys)).map((row) => [keyOf(row), row]));
    return keys.map((key) => rows.get(key) ?? null);
  });
}

function manyEach<Row>(
  read: (refs: readonly number[]) => Promise<readonly Row[]>,
  keyOf: (row: Row) => number,
): DataLoader<number, readonly Row[]> {
  return new DataLoader(async (refs: readonly number[]) => {
    const rows = group(await read(refs), keyOf);
    return refs.map((ref) => rows.get(ref) ?? []);
  });
}

function group<Key, Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => Key,
): Map<Key, [Row, ...Row[]]> {
  const groups = new Map<Key, [Row, ...Row[]]>();
  for (const row of rows) {
    const key = keyOf(row);
    const found = groups.get(key);
    if (found) found.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}
