import { execFileSync } from 'node:child_process';

/** The Python that the examples are run with, where it has what they need; a newcomer needs none. */
export const PYTHON = process.env['ODOGRAPH_PYTHON'] ?? 'python3';

/** Whether a program runs here with what it needs. */
export function has(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
