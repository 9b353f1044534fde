/** A message for one subscriber or for many. */
export interface Item<Message> {
  readonly message: Message;
  /** What the message gives the newest state of: of two that wait, the newer one replaces the older. */
  readonly state?: string;
}

/** What one subscriber has not seen yet. */
export interface Batch<Place, Message> {
  readonly items: readonly Item<Message>[];
  readonly end: Place;
  readonly more: boolean;
}

/** Where a subscriber's messages come from. */
export interface Source<Place, Message> {
  /** Messages that may wait for a subscriber that is slow; beyond them it reads again from the store. */
  readonly mostWaiting: number;
  /** Reads for this subscriber alone what lies after a place. */
  read(place: Place): Promise<Batch<Place, Message>>;
  /** From now on the hub pushes what lies after the place. */
  join(subscriber: Subscriber<Place, Message>, place: Place): void;
  leave(subscriber: Subscriber<Place, Message>): void;
}

interface SubscriberOptions<Message> {
  /** Messages that are sent before all others. */
  readonly first?: readonly Item<Message>[];
  /** Messages a second at most; as many as come if not given. */
  readonly maxPerSecond?: number | undefined;
}

/** What can be ended from outside, as all streams are where the API stops. */
export interface Stream {
  close(): void;
}

/**
 * A stream that a subscriber pulls. It reads alone until it has caught up; then the hub reads for it together with all
 * others. One that takes its messages too slowly falls behind and reads alone again: the store keeps what it has not
 * seen, so no more than a fixed number of messages waits here.
 */
export class Subscriber<Place, Message> implements AsyncIterableIterator<Message>, Stream {
  readonly #source: Source<Place, Message>;
  readonly #pauseMs: number;
  readonly #open: Set<Stream>;
  #place: Place;
  #caughtUp: boolean;
  #joined = false;
  #closed = false;
  #waiting = new Map<string | number, Message>();
  #pushed = 0;
  #wake: (() => void) | undefined;
  #sentAtMs = 0;

  /**
   * @param open where the stream is listed until it is closed
   * @param caughtUp whether nothing was stored after the place when the stream began
   */
  constructor(
    source: Source<Place, Message>,
    open: Set<Stream>,
    place: Place,
    caughtUp: boolean,
    { first = [], maxPerSecond }: SubscriberOptions<Message> = {},
  ) {
    this.#source = source;
    this.#open = open;
    open.add(this);
    this.#place = place;
    this.#caughtUp = caughtUp;
    this.#pauseMs = maxPerSecond === undefined ? 0 : 1000 / maxPerSecond;
    this.#add(first);
  }

  async next(): Promise<IteratorResult<Message, undefined>> {
    if (this.#pauseMs > 0) await this.#pause();
    while (!this.#closed) {
      const message = this.#take();
      if (message !== undefined) return { value: message, done: false };
      if (this.#joined) await this.#woken();
      else if (this.#caughtUp) this.#join();
      else await this.#catchUp();
    }
    return { value: undefined, done: true };
  }

  return(): Promise<IteratorResult<Message, undefined>> {
    this.close();
    return Promise.resolve({ value: undefined, done: true });
  }

  throw(): Promise<IteratorResult<Message, undefined>> {
    return this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#open.delete(this);
    this.#waiting.clear();
    if (this.#joined) this.#source.leave(this);
    this.#wake?.();
  }

  /**
   * Called by the hub with what lies after `before`.
   *
   * @returns whether the subscriber took it; if not, it has fallen behind and the hub forgets it
   */
  push(items: readonly Item<Message>[], before: Place): boolean {
    if (this.#waiting.size + items.length > this.#source.mostWaiting) {
      this.#joined = false;
      this.#caughtUp = false;
      this.#place = before;
      this.#wake?.();
      return false;
    }
    this.#add(items);
    this.#wake?.();
    return true;
  }

  #add(items: readonly Item<Message>[]): void {
    for (const { message, state } of items) {
      const key = state ?? ++this.#pushed;
      this.#waiting.delete(key);
      this.#waiting.set(key, message);
    }
  }

  #take(): Message | undefined {
    for (const [key, message] of this.#waiting) {
      this.#waiting.delete(key);
      return message;
    }
    return undefined;
  }

  #join(): void {
    this.#joined = true;
    this.#source.join(this, this.#place);
  }

  async #catchUp(): Promise<void> {
    try {
      const { items, end, more } = await this.#source.read(this.#place);
      if (this.#closed) return;
      this.#add(items);
      this.#place = end;
      this.#caughtUp = !more;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #woken(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  /** Keeps messages apart. Meanwhile newer states replace older ones. */
  async #pause(): Promise<void> {
    const restMs = this.#sentAtMs + this.#pauseMs - performance.now();
    if (restMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, restMs);
        this.#wake = () => {
          if (!this.#closed) return;
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    this.#sentAtMs = performance.now();
  }
}
