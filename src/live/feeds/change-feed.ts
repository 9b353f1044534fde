import type { Span } from '../../store/read/live/changes.ts';
import { readHorizon } from '../../store/read/live/changes.ts';
import type { LiveQuery, LiveStore } from '../../store/read/live/connection.ts';
import type { ChangePlace } from '../../store/read/changes.ts';
import type { Lane } from './lane.ts';
import { createLane } from './lane.ts';
import type { Item, Subscriber } from '../subscriber.ts';

/** A subscriber of changes, as the hub knows it. */
export interface Follower<Change, Message> {
  readonly subscriber: Subscriber<ChangePlace, Message>;
  /** What it is to hear of a change; undefined where the change is not for it. Called for changes of its topic. */
  itemOf(change: Change): Item<Message> | undefined;
}

/** What changes of one kind are read by. */
export interface ChangeReads<Change> {
  /** Reads what changed since a transaction, of topics that have followers. */
  read(query: LiveQuery, since: bigint, topics: Topics): Promise<Span<Change>>;
  /** Who is concerned: topics as subscribers name them. */
  topicsOf(change: Change): readonly string[];
  /** The transaction that made the change. */
  changedIn(change: Change): bigint;
}

/** The topics that have followers. */
export interface Topics {
  has(topic: string): boolean;
  keys(): Iterable<string>;
}

export interface ChangeFeed<Change> {
  readonly lane: Lane;
  /** Every transaction below it is over. */
  horizon(): Promise<bigint>;
  follow<Message>(topic: string, place: ChangePlace, follower: Follower<Change, Message>): void;
  leave(topic: string, subscriber: object): void;
}

interface Start {
  resolve(horizon: bigint): void;
  reject(error: unknown): void;
}

/** Followers without their message's type: each pushes what its own `itemOf` made. */
interface Member<Change> {
  readonly subscriber: object;
  /** Where it stands alone: until the first read after it joined. */
  since: bigint | undefined;
  itemOf(change: Change): Item<unknown> | undefined;
  push(items: readonly Item<unknown>[], before: ChangePlace): boolean;
}

/**
 * Reads what changed in the order of transactions, once for all that follow. All have seen what lies below one
 * transaction, the head; a subscriber that joins stands beside it until the next read. Without followers there is no
 * head: nothing has to be read back when the next one comes.
 *
 * @param pauseMs time between two reads, for what is dear to read and not urgent
 */
export function createChangeFeed<Change>(
  live: LiveStore,
  reads: ChangeReads<Change>,
  onError: (error: unknown) => void,
  pauseMs = 0,
): ChangeFeed<Change> {
  const topics = new Map<string, Map<object, Member<Change>>>();
  const joining = new Set<Member<Change>>();
  let members = 0;
  let head: bigint | undefined;
  let starts: Start[] = [];

  const lane = createLane(
    async () => {
      if (members === 0 && starts.length === 0) return false;
      const answered = starts;
      starts = [];
      try {
        return await live.read(async (query) => {
          if (answered.length > 0) {
            const horizon = await readHorizon(query);
            for (const { resolve } of answered) resolve(horizon);
          }
          return members > 0 && (await readNew(query));
        });
      } catch (error) {
        for (const { reject } of answered) reject(error);
        throw error;
      }
    },
    onError,
    pauseMs,
  );

  async function readNew(query: LiveQuery): Promise<boolean> {
    const joined = [...joining];
    const since = joined.reduce((least, { since: own }) => {
      return own !== undefined && (least === undefined || own < least) ? own : least;
    }, head);
    if (since === undefined) return false;
    const span = await reads.read(query, since, topics);
    const before = head;
    deliver(span.rows, before);
    for (const member of joined) {
      member.since = undefined;
      joining.delete(member);
    }
    if (members > 0) head = before === undefined || span.upTo > before ? span.upTo : before;
    return span.more;
  }

  function deliver(changes: readonly Change[], before: bigint | undefined): void {
    const items = new Map<Member<Change>, { topic: string; list: Item<unknown>[] }>();
    for (const change of changes) {
      const changedIn = reads.changedIn(change);
      for (const topic of reads.topicsOf(change)) {
        for (const member of topics.get(topic)?.values() ?? []) {
          if (changedIn < (member.since ?? before ?? 0n)) continue;
          const item = member.itemOf(change);
          if (!item) continue;
          const its = items.get(member);
          if (its) its.list.push(item);
          else items.set(member, { topic, list: [item] });
        }
      }
    }
    for (const [member, { topic, list }] of items) {
      const place = { xid: String(member.since ?? before ?? 0n), key: [] };
      if (!member.push(list, place)) forget(topic, member.subscriber);
    }
  }

  function forget(topic: string, subscriber: object): void {
    const followers = topics.get(topic);
    const member = followers?.get(subscriber);
    if (!followers || !member) return;
    followers.delete(subscriber);
    joining.delete(member);
    members -= 1;
    if (followers.size === 0) topics.delete(topic);
    if (members === 0) head = undefined;
  }

  return {
    lane,
    horizon: () =>
      new Promise((resolve, reject) => {
        starts.push({ resolve, reject });
        lane.tick();
      }),
    follow: (topic, place, { subscriber, itemOf }) => {
      const member: Member<Change> = {
        subscriber,
        since: BigInt(place.xid),
        itemOf,
        push: (items, before) =>
          subscriber.push(items as Parameters<typeof subscriber.push>[0], before),
      };
      const followers = topics.get(topic);
      if (followers) followers.set(subscriber, member);
      else topics.set(topic, new Map([[subscriber, member]]));
      joining.add(member);
      members += 1;
      lane.tick();
    },
    leave: forget,
  };
}
