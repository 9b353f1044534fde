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
  /** Turns of subscribers that have not caught up yet and read alone. */
  readonly alone: Turns;
}

/** How a subscriber wants a stream. */
export interface StreamOptions {
  /** Cursor of the last message seen; without it the stream begins now. */
  readonly after?: string | undefined;
  /** Messages a second at most; as many as come if not given. */
  readonly maxPerSecond?: number | undefined;
  /** Whether the present state is sent first. */
  readonly present?: boolean | undefined;
}
