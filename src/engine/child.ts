// The program that an engine starts: requests come on standard input, responses leave on standard
// output, each frame with its length in bytes before it (32 bits, big-endian). The first frame is the
// configuration as JSON. A frame that cannot be folded ends the process with the reason on standard
// error; the engine starts another one and sends the same bytes again.
import * as z from 'zod';
import { createRulesTimeline, newestRules } from '../core/rules.ts';
import { loadZones, zonesInForce } from '../zones.ts';
import { type EngineSettings, foldDevice } from './fold.ts';
import { decodeRequest, encodeResponse } from './protocol.ts';

const configurationSchema = z.strictObject({
  /** Rows of the table `rules`; without them the newest rules hold for all time. */
  rules: z.array(z.strictObject({ effectiveFromMs: z.number(), version: z.string() })).optional(),
  textSpeedUnit: z.enum(['mph', 'kmh']).default('mph'),
  textTimeZone: z.string().default('UTC'),
  /** For so long before a device's newest event late events are repaired. */
  horizonMs: z
    .int()
    .positive()
    .default(12 * 3_600_000),
});

/** Longest frame read, bytes: a larger length is a torn stream, not a request. */
const LONGEST_FRAME = 1 << 30;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @param text JSON, as the first frame holds it; empty for the defaults. @throws ZodError */
export function configure(text: string): EngineSettings {
  const given: unknown = text === '' ? {} : JSON.parse(text);
  const { rules, textSpeedUnit, textTimeZone, horizonMs } = configurationSchema.parse(given);
  const rulesAt = createRulesTimeline(rules ?? newestRules);
  return {
    context: { rulesAt, zonesOf: loadZones },
    decoding: { textSpeedUnit, textTimeZone, zones: zonesInForce(() => rulesAt), decodeUtf8 },
    horizonMs,
  };
}

/** Answers one request frame. @throws TornFrameError, StateVersionError */
export function answer(frame: Uint8Array, settings: EngineSettings): Uint8Array {
  const { tellOpenEveryMs, devices } = decodeRequest(frame);
  return encodeResponse(devices.map((device) => foldDevice(device, tellOpenEveryMs, settings)));
}

/** Serves frames until the input ends. */
export async function serve(
  input: AsyncIterable<Uint8Array>,
  send: (frame: Uint8Array) => Promise<void>,
): Promise<void> {
  let settings: EngineSettings | undefined;
  for await (const frame of framesOf(input)) {
    if (settings === undefined) settings = configure(utf8.decode(frame));
    else await send(answer(frame, settings));
  }
}

/** Cuts a stream into frames. @throws Error where the stream ends within one or a length is impossible */
async function* framesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let chunks: Uint8Array[] = [];
  let size = 0;
  let wanted: number | undefined;
  const take = (count: number): Uint8Array => {
    const joined = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    chunks = [joined.subarray(count)];
    size -= count;
    return joined.subarray(0, count);
  };
  for await (const chunk of input) {
    chunks.push(chunk);
    size += chunk.length;
    for (;;) {
      if (wanted === undefined) {
        if (size < 4) break;
        const length = take(4);
        wanted = new DataView(length.buffer, length.byteOffset, 4).getUint32(0);
        if (wanted > LONGEST_FRAME) {
          throw new Error(
            `TORN_FRAME: a frame of ${wanted} bytes; at most ${LONGEST_FRAME} are read`,
          );
        }
      }
      if (size < wanted) break;
      yield take(wanted);
      wanted = undefined;
    }
  }
  if (size > 0 || wanted !== undefined) {
    throw new Error(`TORN_FRAME: the input ended within a frame, ${size} bytes of it had arrived`);
  }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
