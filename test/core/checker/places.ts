/** Where something was, 1e-7 degree, and when. */
export interface Spot {
  readonly atMs: number;
  readonly lat: number;
  readonly lon: number;
}

/** Haversine by arcsine on a sphere of 6,371,008.8 m, mm. */
export function wayBetween(a: Spot, b: Spot): number {
  const rad = (e7: number) => (e7 / 1e7) * (Math.PI / 180);
  const u = Math.sin(rad(b.lat - a.lat) / 2);
  const v = Math.sin(rad(b.lon - a.lon) / 2);
  const h = u * u + Math.cos(rad(a.lat)) * Math.cos(rad(b.lat)) * v * v;
  return Math.round(2 * 6_371_008_800 * Math.asin(Math.min(1, Math.sqrt(h))));
}

/** Whether 252 km/h and two poor fixes bring a car from one spot to the other. */
export function isReachable(a: Spot, b: Spot): boolean {
  return wayBetween(a, b) <= 70 * (b.atMs - a.atMs) + 100_000;
}
