/** A position in degrees from the store's 1e-7 degrees; null if there is none. */
export function toPosition(
  latE7: number | null,
  lonE7: number | null,
): { readonly lat: number; readonly lon: number } | null {
  return latE7 === null || lonE7 === null ? null : { lat: latE7 / 1e7, lon: lonE7 / 1e7 };
}

/** A number in a larger unit; null for null and undefined. */
export function scale(value: number | null | undefined, divisor: number): number | null {
  return value == null ? null : value / divisor;
}
