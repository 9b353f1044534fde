import { isoOf } from '../rows.ts';

/** What a batch adds to the count of one device's field that was left out for one reason. */
export interface LeftOutMove {
  readonly deviceId: number;
  readonly field: string;
  readonly reason: string;
  readonly count: number;
  /** Least and greatest instant of the messages, epoch milliseconds. */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** The value at `lastAtMs`, as printable text. */
  readonly lastValue: string;
}

/** Its rows in $1, as JSON. In the order of the key, so that two sinks never wait for each other in a circle. */
export const ADD_LEFT_OUT = `
insert into left_out_field as f (device_id, field, reason, "count", first_at, last_at, last_value)
select * from json_to_recordset($1::json) as r(device_id int, field text, reason text, "count" bigint,
  first_at timestamptz, last_at timestamptz, last_value text) order by device_id, field, reason
on conflict (device_id, field, reason) do update set
  "count" = f."count" + excluded."count",
  first_at = least(f.first_at, excluded.first_at),
  last_at = greatest(f.last_at, excluded.last_at),
  last_value = case when excluded.last_at >= f.last_at then excluded.last_value else f.last_value end`;

export function toLeftOutRow({ deviceId, firstAtMs, lastAtMs, lastValue, ...move }: LeftOutMove) {
  return {
    ...move,
    device_id: deviceId,
    first_at: isoOf(firstAtMs),
    last_at: isoOf(lastAtMs),
    last_value: lastValue,
  };
}
