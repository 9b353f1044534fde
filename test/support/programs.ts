import { execFileSync } from 'node:child_process';

/** The Python for the examples, if it has their packages; the product does not need Python. */
export const PYTHON = process.env['ODOGRAPH_PYTHON'] ?? 'python3';

/** Whether a program runs on this machine with its packages. */
export function has(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
