import type pg from 'pg';

/** A dead letter as it is kept; `value` is read by `show` and `send` only. */
export interface DeadLetterRow {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly at: Date;
  readonly reason: string;
  readonly message: string;
  readonly headers: readonly StoredHeader[];
  readonly key: Buffer | null;
  readonly value?: Buffer | null;
  readonly bytes?: number | null;
  readonly sentAgainAt: Date | null;
}

/** Text, or base64 where the bytes are not text that PostgreSQL can hold. */
export interface StoredHeader {
  readonly name?: string;
  readonly nameBase64?: string;
  readonly value?: string | null;
  readonly valueBase64?: string;
}

export interface DeadLetterPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Which dead letters; what is undefined does not restrict. */
export interface DeadLetterFilter {
  readonly topic?: string | undefined;
  readonly reason?: string | undefined;
  /** ISO 8601; from inclusive, to exclusive. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** The record's key, as text. */
  readonly key?: string | undefined;
}

const COLUMNS = `topic, partition, "offset"::float8 as "offset", at, reason, message, headers, key, sent_again_at as "sentAgainAt"`;
const MATCHES = `($1::text is null or topic = $1) and ($2::text is null or reason = $2)
  and ($3::timestamptz is null or at >= $3) and ($4::timestamptz is null or at < $4)
  and ($5::text is null or key = convert_to($5, 'UTF8'))`;

const parameters = ({ topic, reason, from, to, key }: DeadLetterFilter) => [
  topic ?? null,
  reason ?? null,
  from ?? null,
  to ?? null,
  key ?? null,
];

/** The newest first, without their values. */
export async function listDeadLetters(
  client: pg.Client,
  filter: DeadLetterFilter,
  limit: number,
): Promise<DeadLetterRow[]> {
  const { rows } = await client.query<DeadLetterRow>(
    `select ${COLUMNS}, octet_length(value) as bytes from dead_letter where ${MATCHES}
     order by at desc, topic, partition, "offset" desc limit $6`,
    [...parameters(filter), limit],
  );
  return rows;
}

/** How many there are by topic and reason, those beyond the budget too. */
export async function countDeadLetters(client: pg.Client): Promise<readonly unknown[]> {
  const { rows } = await client.query<object>(
    `select topic, reason, sum(kept)::float8 as kept, sum(sent_again)::float8 as "sentAgain", sum(counted)::float8 as "countedOnly",
       min(first) as first, max(last) as last
     from (
       select topic, reason, count(*) as kept, count(sent_again_at) as sent_again, 0 as counted, min(at) as first, max(at) as last
         from dead_letter group by topic, reason
       union all
       select topic, reason, 0, 0, sum("count"), min(hour), max(hour) + interval '1 hour' from dead_letter_overflow group by topic, reason) as both_kinds
     group by topic, reason order by sum(kept) + sum(counted) desc, topic, reason`,
  );
  return rows;
}

/** The ranges of offsets of records that are beyond the budget, the newest first. */
export async function listOverflow(client: pg.Client, limit: number): Promise<readonly unknown[]> {
  const { rows } = await client.query<object>(
    `select topic, partition, reason, hour, "count"::float8 as count, first_offset::float8 as "firstOffset",
       last_offset::float8 as "lastOffset", last_message as "lastMessage"
     from dead_letter_overflow order by hour desc, topic, partition, reason limit $1`,
    [limit],
  );
  return rows;
}

/** One with its value; the look is written to the access log first. */
export async function readDeadLetter(
  client: pg.Client,
  { topic, partition, offset }: DeadLetterPlace,
  reader: { readonly subject: string; readonly requestId: string },
): Promise<DeadLetterRow | undefined> {
  await client.query(
    `insert into access_log (role, subject, purpose, object, request_id) values ('OPERATOR', $1, 'dead-letters show', $2, $3)`,
    [reader.subject, `dead_letter ${topic}/${partition}/${offset}`, reader.requestId],
  );
  const { rows } = await client.query<DeadLetterRow>(
    `select ${COLUMNS}, value from dead_letter where (topic, partition, "offset") = ($1, $2, $3)`,
    [topic, partition, offset],
  );
  return rows[0];
}

/**
 * Takes the next dead letters that were not sent again, oldest first, and marks them in the same
 * transaction once `send` has resolved; another run at the same time takes others.
 * @returns how many were taken
 */
export async function takeDeadLetters(
  client: pg.Client,
  filter: DeadLetterFilter,
  limit: number,
  send: (letters: readonly DeadLetterRow[]) => Promise<void>,
): Promise<number> {
  await client.query('begin');
  try {
    const { rows } = await client.query<DeadLetterRow>(
      `select ${COLUMNS}, value from dead_letter where ${MATCHES} and sent_again_at is null
       order by topic, partition, "offset" limit $6 for update skip locked`,
      [...parameters(filter), limit],
    );
    await send(rows);
    for (const place of rows) await markSentAgain(client, place);
    await client.query('commit');
    return rows.length;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

export async function markSentAgain(
  client: pg.Client,
  { topic, partition, offset }: DeadLetterPlace,
): Promise<void> {
  await client.query(
    `update dead_letter set sent_again_at = now() where (topic, partition, "offset") = ($1, $2, $3)`,
    [topic, partition, offset],
  );
}
