import pino from 'pino';
import pretty from 'pino-pretty';

export type Logger = pino.Logger;

/** Names of logged fields that may hold secrets. */
const SECRETS = ['password', 'secret', 'token', 'authorization', 'key', 'connectionString'];

/**
 * Logs to standard error: readable lines in a terminal, JSON in a pipe. Standard output carries only a
 * command's result.
 */
export function createLog({ level, isTerminal }: { level: string; isTerminal: boolean }): Logger {
  const options = {
    level,
    base: null,
    redact: {
      paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
      censor: '(not shown)',
    },
  };
  const destination = isTerminal
    ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l' })
    : pino.destination({ dest: 2, sync: true });
  return pino(options, destination);
}
