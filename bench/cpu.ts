import { readFileSync, readdirSync } from 'node:fs';

/** Ticks of /proc/PID/stat in a second; 100 on every Linux that Node runs on. */
const TICKS = 100;

/** A process with all that it started, as /proc tells of it. */
export interface ProcessTree {
  /** CPU seconds of the process, its living descendants and those it has waited for. */
  cpuSeconds(): number;
  parent(): number;
}

export function createTree(pid: number): ProcessTree {
  return {
    cpuSeconds: () => sum(pid),
    parent: () => read(pid)!.parent,
  };
}

function sum(pid: number): number {
  const own = read(pid);
  if (!own) return 0;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && read(Number(name))?.parent === pid)
    .reduce((total, name) => total + sum(Number(name)), own.seconds);
}

function read(pid: number): { parent: number; seconds: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((total, field) => total + Number(field), 0);
    return { parent: Number(fields[1]), seconds: ticks / TICKS };
  } catch {
    return undefined;
  }
}
