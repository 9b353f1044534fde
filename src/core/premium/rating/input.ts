/** What one vehicle did on one local day. Rows of one vehicle and day add up. */
export interface ExposureDay {
  readonly vehicleId: string;
  /** Local calendar date at the vehicle, YYYY-MM-DD. */
  readonly localDate: string;
  /** Whole metres. */
  readonly distanceM: number;
  /** Of those, metres driven at night by local time. */
  readonly nightM: number;
  /** Counts and sums of the habit registry by name, whole numbers. */
  readonly measures: Readonly<Record<string, number>>;
  /** True where the device was silent and the distance is an estimate to be settled later. */
  readonly estimated?: boolean;
}

/**
 * Half-open local dates on the whole of which a vehicle had a device: one that was heard each day, even if
 * the car stood, or one of which no event of any of these days is stored. Dates without a row had
 * no device, were not whole, or are not over.
 */
export interface DeviceDays extends Period {
  readonly vehicleId: string;
  readonly heard: boolean;
}

/** A vehicle's cover, half-open local dates. */
export interface CoveredVehicle {
  readonly vehicleId: string;
  readonly from: string;
  readonly to: string;
}

/**
 * What is true of the policy, of one vehicle or of one named driver over a half-open range of local
 * dates. A vehicle's own facts go before the policy's. A row with `driverId` is about that driver: of
 * all vehicles, or of the one in `vehicleId`.
 */
export interface FactRange {
  readonly from: string;
  readonly to: string;
  readonly vehicleId?: string;
  readonly driverId?: string;
  readonly values: Readonly<Record<string, string | number>>;
}

/** A policy as rating sees it: dates are local, half-open. */
export interface RatedPolicy {
  readonly number: string;
  readonly startDate: string;
  readonly endDate: string;
  readonly vehicles: readonly CoveredVehicle[];
  readonly facts: readonly FactRange[];
}

/** Half-open range of local dates. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/**
 * All inputs of a premium except its tariff. `exposure` must reach back to the start of the
 * policy year in which the period begins (yearly caps and running totals carry on from there) and,
 * for habits, over their window; days without a row are days without driving. `deviceDays` are for
 * tariffs that estimate silent days, and reach back as `exposureSince` says.
 */
export interface RatingInput {
  readonly policy: RatedPolicy;
  readonly period: Period;
  readonly exposure: readonly ExposureDay[];
  readonly deviceDays?: readonly DeviceDays[];
}
