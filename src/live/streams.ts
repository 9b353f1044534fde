import type { Store } from '../store/open.ts';
import type { StreamCursors } from './cursors.ts';
import type { Hub } from './hub.ts';

/** What every stream is opened with. */
export interface Streams {
  readonly store: Store;
  readonly hub: Hub;
  readonly cursors: StreamCursors;
  readonly now: () => number;
}
