import type { NotCounted } from './bill.ts';
import type { DisputedDriving } from './disputed.ts';
import { spellKm } from './driven-statement.ts';
import type { Note } from './statement.ts';

/** Notes of a bill or an adjustment about driving that it leaves out. */
export function notCountedNotes({ disputed = [], overlapping = [] }: NotCounted): Note[] {
  return [
    ...disputed.map((driving) => ({ title: 'Disputed', text: spellDisputed(driving) })),
    ...overlapping.map(({ vehicleId, deviceId, distanceM }) => ({
      title: 'Two devices',
      text: `${spellKm(distanceM)} km that the device ${deviceId} reported of vehicle ${vehicleId} do not count: another device was assigned to the vehicle first, and each kilometre counts once.`,
    })),
  ];
}

function spellDisputed({ tripId, disputedTripId, whole, distanceM }: DisputedDriving): string {
  const km = `${spellKm(distanceM)} km`;
  if (!whole) {
    return `${km} of trip ${tripId} do not count: they belong to the disputed trip ${disputedTripId}, which late messages merged with other driving. That other driving counts.`;
  }
  return tripId === disputedTripId
    ? `Trip ${tripId}, ${km}, is disputed and does not count unless the dispute is rejected.`
    : `Trip ${tripId}, ${km}, does not count: it is part of the disputed trip ${disputedTripId}, which late messages split. The dispute is about both.`;
}
