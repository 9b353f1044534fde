import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Decompress as ZstdDecompress } from 'fzstd';
import { uncompressSync as uncompressLz4Block } from 'lz4-napi';
import snappy from 'snappyjs';

/** Compression types as the attributes of a record batch number them. */
const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;

/** Compressed bytes handed to zstd at once; they expand to at most 8 MiB (64 blocks of 128 KiB). */
const ZSTD_STEP_BYTES = 256;
/** The largest window that zstd uses without its `--ultra --long` options. */
const ZSTD_WINDOW_BYTES = 128 * 1024 * 1024;
/** Snappy cannot expand more than 22 times; a larger declared length is wrong. */
const SNAPPY_RATIO = 22;

/**
 * Decompresses the records of a record batch piece by piece, so that the caller can stop before a
 * small batch has filled the memory. A piece has at most a few MiB.
 * @throws if the data are damaged
 */
export function decompress(
  compression: number,
  bytes: Buffer,
): AsyncIterable<Buffer> | Iterable<Buffer> {
  switch (compression) {
    case GZIP:
      return Readable.from([bytes]).pipe(createGunzip({ chunkSize: 256 * 1024 }));
    case SNAPPY:
      return decompressSnappy(bytes);
    case LZ4:
      return decompressLz4(bytes);
    case ZSTD:
      return decompressZstd(bytes);
    default:
      throw new Error(`unknown compression type ${compression}`);
  }
}

/** Java clients frame blocks of 32 KiB; others send one raw block. */
const SNAPPY_FRAMES = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const SNAPPY_HEADER_BYTES = 16;

function* decompressSnappy(bytes: Buffer): Generator<Buffer> {
  if (!bytes.subarray(0, SNAPPY_FRAMES.length).equals(SNAPPY_FRAMES)) {
    yield decompressSnappyBlock(bytes);
    return;
  }
  for (let at = SNAPPY_HEADER_BYTES; at + 4 <= bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at);
    yield decompressSnappyBlock(bytes.subarray(at + 4, end));
    at = end;
  }
}

function decompressSnappyBlock(block: Buffer): Buffer {
  let declared = 0;
  for (let i = 0; i < 5; i += 1) {
    declared += ((block[i] ?? 0) & 0x7f) * 2 ** (7 * i);
    if (((block[i] ?? 0) & 0x80) === 0) break;
  }
  if (declared > block.length * SNAPPY_RATIO + 64) {
    throw new Error(`${block.length} bytes of snappy cannot expand to ${declared}`);
  }
  return snappy.uncompress(block);
}

const LZ4_MAGIC = 0x184d2204;
const LZ4_DICTIONARY_BYTES = 64 * 1024;

/** The LZ4 frame format (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md), block by block. */
function* decompressLz4(bytes: Buffer): Generator<Buffer> {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== LZ4_MAGIC) throw new Error('not an LZ4 frame');
  const flags = bytes[4]!;
  const isLinked = (flags & 0x20) === 0;
  const blockChecksumBytes = (flags & 0x10) === 0 ? 0 : 4;
  const contentSizeBytes = (flags & 0x08) === 0 ? 0 : 8;
  const dictionaryIdBytes = (flags & 0x01) === 0 ? 0 : 4;
  const blockBytes = 2 ** (8 + 2 * ((bytes[5]! >> 4) & 7));
  let dictionary = Buffer.alloc(0);
  for (let at = 7 + contentSizeBytes + dictionaryIdBytes; ;) {
    const size = bytes.readUInt32LE(at);
    if (size === 0) return;
    const end = at + 4 + (size & 0x7fffffff);
    if (end > bytes.length) throw new Error('the LZ4 frame is cut off');
    const block = bytes.subarray(at + 4, end);
    const piece = size >>> 31 === 1 ? block : decompressLz4Block(block, blockBytes, dictionary);
    yield piece;
    if (isLinked) dictionary = Buffer.concat([dictionary, piece]).subarray(-LZ4_DICTIONARY_BYTES);
    at = end + blockChecksumBytes;
  }
}

function decompressLz4Block(block: Buffer, maxBytes: number, dictionary: Buffer): Buffer {
  const sized = Buffer.allocUnsafe(4 + block.length);
  sized.writeUInt32LE(maxBytes, 0);
  block.copy(sized, 4);
  return uncompressLz4Block(sized, dictionary.length > 0 ? dictionary : undefined);
}

function* decompressZstd(bytes: Buffer): Generator<Buffer> {
  checkZstdWindow(bytes);
  const pieces: Buffer[] = [];
  const zstd = new ZstdDecompress((piece) => {
    if (piece.length > 0) pieces.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
  });
  for (let at = 0; at < bytes.length; at += ZSTD_STEP_BYTES) {
    zstd.push(bytes.subarray(at, at + ZSTD_STEP_BYTES));
    yield* pieces.splice(0);
  }
}

/** The decoder allocates the window that the frame asks for. */
function checkZstdWindow(bytes: Buffer): void {
  const flags = bytes[4] ?? 0;
  const isSingleSegment = (flags & 0x20) !== 0;
  let window: number;
  if (isSingleSegment) {
    const sizeFlag = flags >> 6;
    const at = 5 + [0, 1, 2, 4][flags & 3]!;
    window =
      sizeFlag === 0
        ? (bytes[at] ?? 0)
        : sizeFlag === 1
          ? bytes.readUInt16LE(at) + 256
          : sizeFlag === 2
            ? bytes.readUInt32LE(at)
            : Number(bytes.readBigUInt64LE(at));
  } else {
    const descriptor = bytes[5] ?? 0;
    const base = 2 ** (10 + (descriptor >> 3));
    window = base + (base / 8) * (descriptor & 7);
  }
  if (window > ZSTD_WINDOW_BYTES) {
    throw new Error(`the zstd frame asks for ${window} bytes of memory`);
  }
}
