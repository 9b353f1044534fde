import type { Store } from '../store/open.ts';
import type { StreamCursors } from './cursors.ts';
import type { Hub } from './hub.ts';
import type { Turns } from './turns.ts';

/** What every stream is opened with. */
export interface Streams {
  readonly store: Store;
  readonly hub: Hub;
  readonly cursors: StreamCursors;
  readonly now: () => number;
  /** Runs the reads of subscribers that have not caught up yet, a few at a time. */
  readonly alone: Turns;
}

/** How a subscriber wants a stream. */
export interface StreamOptions {
  /** Cursor of the last message seen; without it the stream begins now. */
  readonly after?: string | undefined;
  /** Messages a second at most; as many as come if not given. */
  readonly maxPerSecond?: number | undefined;
}
