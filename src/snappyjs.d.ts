declare module 'snappyjs' {
  import type { Buffer } from 'node:buffer';
  const snappy: { uncompress(compressed: Buffer): Buffer };
  export default snappy;
}
