import { once } from 'node:events';
import { serve } from './child.ts';

const { stdin, stdout, stderr } = process;

async function send(frame: Uint8Array): Promise<void> {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  stdout.write(length);
  if (!stdout.write(frame)) await once(stdout, 'drain');
}

// The engine has gone: nothing is left to answer.
stdout.on('error', () => process.exit(0));
serve(stdin, send).catch((error: unknown) => {
  stderr.write(`odograph engine: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
