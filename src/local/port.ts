import { createServer } from 'node:net';
import { Problem } from '../problem.ts';

/**
 * Checks that a port can be listened on.
 * @param port 0: any free port.
 * @param what the server that needs the port, and `setting` the setting that changes it, for the message.
 * @returns the port.
 * @throws Problem PORT_TAKEN
 */
export function claimPort(
  port: number,
  { host = '127.0.0.1', what, setting }: { host?: string; what: string; setting?: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${error.code})`;
      const way = setting ? `Set ${setting} to another port, or to 0 for any free port` : 'Free it';
      reject(
        new Problem(
          'PORT_TAKEN',
          `Port ${port} on ${host}, needed for ${what}, ${why}.`,
          `${way}; \`lsof -i :${port}\` shows the process that uses it.`,
          error,
        ),
      );
    });
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      const claimed = typeof address === 'object' && address ? address.port : port;
      server.close(() => resolve(claimed));
    });
  });
}
