import pino from 'pino';
import pretty from 'pino-pretty';

export type Logger = pino.Logger;

/** Where secrets may stand in what is logged. */
const SECRETS = ['password', 'secret', 'token', 'authorization', 'key', 'connectionString'];

/**
 * Logs to standard error: lines for people in a terminal, JSON in a pipe. Standard output is for what
 * a command answers.
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
