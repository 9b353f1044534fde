import type { LineKind } from './worksheet.ts';

/** Named in every premium; raised with any change that could move a cent or a byte. */
export const PREMIUM_ENGINE = 'odograph.premium/1';

/** One line of a premium; all lines add up to its total. */
export interface PremiumLine {
  readonly id: string;
  readonly kind: LineKind;
  /** Absent on the policy's own lines. */
  readonly vehicleId?: string;
  readonly label: string;
  /** Of charges and of what estimates add to them: how many units were billed. */
  readonly quantity?: string;
  readonly unit?: string;
  /** Of charges, the price of one unit before factors; of factors, the relativity where it is one. */
  readonly rate?: string;
  /** In the premium's currency. */
  readonly amount: string;
  /** The amount before the total was rounded and shared out, to 8 decimals. */
  readonly unrounded: string;
  readonly explanation: string;
}

/** A capped day as people are shown it. */
interface ShownCappedDay {
  readonly localDate: string;
  readonly driven: string;
  readonly billed: string;
  readonly unit: string;
  readonly by: 'DAY' | 'YEAR';
}

interface SpanSheet {
  readonly from: string;
  readonly to: string;
  readonly days: number;
  readonly charges: readonly {
    readonly id: string;
    readonly quantity: string;
    readonly unit: string;
    readonly rate: string;
    readonly amount: string;
  }[];
  readonly factors: readonly {
    readonly id: string;
    readonly value: string;
    readonly relativity: string;
  }[];
}

/** Silent days in a row within the period, and what each is estimated at until it is known. */
export interface ShownEstimate {
  readonly mark: 'ESTIMATED';
  readonly from: string;
  readonly to: string;
  readonly days: number;
  /** Whole metres of each day, and of all. */
  readonly dailyM: number;
  readonly distanceM: number;
  readonly explanation: string;
}

interface HabitsSheet {
  readonly windowFrom: string;
  readonly windowTo: string;
  readonly km: string;
  readonly habits: readonly {
    readonly id: string;
    readonly z: string;
    readonly mean: string;
    readonly coefficient: string;
  }[];
  readonly raw: string;
  readonly clamped: string;
  readonly credibility: string;
  readonly factor: string;
}

/** How the lines came about, step by step. */
export interface Worksheet {
  readonly rounding: string;
  /** Whether bills of adjoining periods add to the cent: "yes", or why not. */
  readonly addsOverTime: string;
  readonly years: readonly {
    readonly policyYearFrom: string;
    readonly policyYearTo: string;
    readonly days: number;
    readonly from: string;
    readonly to: string;
    readonly runningTotalBefore?: string;
    readonly runningTotalAfter?: string;
    readonly unroundedTotal: string;
    readonly total: string;
    readonly vehicles: readonly {
      readonly vehicleId: string;
      readonly spans: readonly SpanSheet[];
      readonly habits?: HabitsSheet;
      readonly cappedDays: readonly ShownCappedDay[];
      /** Of tariffs that estimate silent days. */
      readonly estimates?: readonly ShownEstimate[];
      readonly estimatedKm: string;
      readonly uncoveredKm: string;
    }[];
  }[];
}

/** A premium with everything needed to argue about it. Plain data: it is what a bill keeps. */
export interface Premium {
  readonly engine: string;
  readonly policyNumber: string;
  readonly from: string;
  readonly to: string;
  readonly currency: string;
  readonly total: string;
  readonly lines: readonly PremiumLine[];
  readonly worksheet: Worksheet;
  readonly tariff: { readonly id: string; readonly version: string; readonly hash: string };
  /** The instant up to which data were taken, as given by the caller. */
  readonly dataCutoff: string;
  readonly inputsHash: string;
}
