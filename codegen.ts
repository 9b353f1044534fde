import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: 'schema.graphql',
  generates: {
    'src/api/generated/schema.ts': {
      plugins: ['typescript', 'typescript-resolvers'],
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        enumType: 'string-literal',
        avoidOptionals: { field: true, object: false },
        maybeValue: 'T | null',
        inputMaybeValue: 'T | null | undefined',
        contextType: '../context.ts#Context',
        mapperTypeSuffix: 'Model',
        scalars: {
          ID: 'string',
          DateTime: { input: 'number', output: 'number' },
          Date: 'string',
          Decimal: 'string',
          Cursor: 'string',
          JSON: 'unknown',
        },
        mappers: {
          Trip: '../../store/read/trips.ts#TripRow',
          Driver: '../../store/read/drivers.ts#DriverRow',
          Vehicle: '../../store/read/drivers.ts#VehicleRow',
          Device: '../../store/read/devices.ts#DeviceRow',
          Assignment: '../../store/read/devices.ts#AssignmentRow',
          Tenancy: '../../store/read/devices.ts#TenancyRow',
          DrivingEvent: '../../store/read/driving-events.ts#DrivingEventRow',
          Policy: '../../store/read/policies.ts#PolicyRow',
          PolicyVehicle: '../../store/read/policies.ts#PolicyVehicleRow',
          PolicyDriver: '../../store/read/policies.ts#PolicyDriverRow',
          PolicyFact: '../../store/read/policies.ts#PolicyFactRow',
          Tariff: '../../store/read/tariffs.ts#TariffRow',
          Bill: '../../store/read/bills.ts#BillRow',
          BillAdjustment: '../../store/read/bills.ts#BillRow',
          CreditNote: '../../store/read/bills.ts#BillRow',
          BilledTrip: '../../core/premium/bills/bill.ts#TripEvidence',
          DisputedDriving: '../../store/read/disputes.ts#LeftOutRow',
          Dispute: '../../store/read/disputes.ts#DisputeRow',
          TripStats: '../resolvers/trip-stats-answer.ts#StatsAnswer',
          TripStatsRow: '../resolvers/trip-stats-answer.ts#StatsGroup',
          TripQuantity: '../resolvers/trip-stats-answer.ts#QuantityOfCell',
          TelemetryMessage: '../../live/feeds/telemetry.ts#TelemetryMessage',
          TripUpdate: '../../live/trips.ts#TripUpdate',
          DrivingEventAdded: '../../live/driving-events.ts#DrivingEventAdded',
          HabitsUpdate: '../../live/habits.ts#HabitsUpdate',
          PremiumUpdate: '../../live/premiums.ts#PremiumUpdate',
          WhatIfProgress: '../resolvers/what-if.ts#ProgressMessage',
        },
      },
    },
  },
};

export default config;
