-- How many driving events of each kind a trip has, from its day parts. One braking is often seen by GPS
-- and accelerometer both, so of each trip the source that saw most counts; they are never added.
CREATE FUNCTION "trip_flags"(days jsonb) RETURNS TABLE (
    "harsh_braking" bigint, "harsh_acceleration" bigint, "harsh_cornering" bigint, "speeding" bigint, "phone_use" bigint
) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT
        greatest(sum((d -> 'measures' ->> 'harshBrakingGps.count')::bigint), sum((d -> 'measures' ->> 'harshBrakingAccelerometer.count')::bigint), 0)::bigint,
        greatest(sum((d -> 'measures' ->> 'harshAccelerationGps.count')::bigint), sum((d -> 'measures' ->> 'harshAccelerationAccelerometer.count')::bigint), 0)::bigint,
        greatest(sum((d -> 'measures' ->> 'harshCorneringGps.count')::bigint), sum((d -> 'measures' ->> 'harshCorneringAccelerometer.count')::bigint), 0)::bigint,
        greatest(sum((d -> 'measures' ->> 'speeding.count')::bigint), sum((d -> 'measures' ->> 'speedingCap.count')::bigint), 0)::bigint,
        greatest(sum((d -> 'measures' ->> 'phone.count')::bigint), 0)::bigint
    FROM jsonb_array_elements(days) AS d
$$;
