/**
 * Mean Earth radius of the IUGG, millimetres. The equatorial radius that some systems use gives
 * distances that are 0.11 % longer.
 */
const earthRadiusMm = 6_371_008_800;
const radiansPerE7 = Math.PI / 1_800_000_000;

/** Great-circle (haversine) distance between two positions in 1e-7 degree, whole millimetres. */
export function distanceMm(latAE7: number, lonAE7: number, latBE7: number, lonBE7: number): number {
  const halfLat = Math.sin(((latBE7 - latAE7) * radiansPerE7) / 2);
  const halfLon = Math.sin(((lonBE7 - lonAE7) * radiansPerE7) / 2);
  const h =
    halfLat * halfLat +
    Math.cos(latAE7 * radiansPerE7) * Math.cos(latBE7 * radiansPerE7) * halfLon * halfLon;
  // Between antipodes rounding may make h slightly greater than 1.
  return Math.round(2 * earthRadiusMm * Math.atan2(Math.sqrt(h), Math.sqrt(Math.max(0, 1 - h))));
}
