// Runs the console sessions of the docs. A fenced block that begins with ```console run is a shell session
// in the root of the repository:
//
//   $ node --version          a command; a line that ends in \ continues on the next
//   v…                        the expected output; … matches anything within a line,
//   …                         and, alone on a line, any lines
//
// Blocks of one document share a shell, so a variable set in one is set in the next. A command
// that exits with a code other than 0 fails the test; without lines below it, its output is not checked.
// With ```console run up the session runs against an `odograph up`: 127.0.0.1:4000 and 127.0.0.1:9092
// become the addresses of its API and broker, and `npx odograph` works on its data folder.
import { spawn } from 'node:child_process';

export interface Step {
  /** Line of the command in its document, from 1. */
  readonly line: number;
  readonly command: string;
  readonly expected: readonly string[];
}

export interface Session {
  readonly line: number;
  readonly needsUp: boolean;
  readonly steps: readonly Step[];
}

/** The sessions of a Markdown text. @throws Error for a block that does not begin with a command. */
export function readSessions(markdown: string): Session[] {
  const lines = markdown.split('\n');
  const sessions: Session[] = [];
  for (let index = 0; index < lines.length; index++) {
    const fence = /^```console run( up)?$/.exec(lines[index]!);
    if (!fence) continue;
    const line = index + 1;
    const steps: { line: number; command: string; expected: string[] }[] = [];
    for (index += 1; index < lines.length && lines[index] !== '```'; index++) {
      const text = lines[index]!;
      const last = steps.at(-1);
      if (text.startsWith('$ ')) {
        steps.push({ line: index + 1, command: text.slice(2), expected: [] });
      } else if (last?.command.endsWith('\\') && last.expected.length === 0) {
        last.command += `\n${text}`;
      } else if (last) last.expected.push(text);
      else throw new Error(`line ${index + 1}: a session begins with a command, "$ …"`);
    }
    sessions.push({ line, needsUp: fence[1] !== undefined, steps });
  }
  return sessions;
}

export interface Outcome {
  readonly output: string;
  readonly code: number;
}

/** Runs commands one after the other in one bash. */
export async function runCommands(
  commands: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<Outcome[]> {
  const mark = `--${Math.random().toString(36).slice(2)}--`;
  const script = commands
    .map((command) => `{ ${command}\n} 2>&1 </dev/null\nprintf '\\n%s%d\\n' '${mark}' $?`)
    .join('\n');
  const bash = spawn('bash', ['-c', script], { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  bash.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await new Promise((resolve) => bash.on('close', resolve));
  const parts = said.split(new RegExp(`\\n${mark}(\\d+)\\n`));
  return commands.map((_, index) => ({
    output: (parts[2 * index] ?? '').trimEnd(),
    code: Number(parts[2 * index + 1] ?? -1),
  }));
}

/** Whether an output matches the document, where … matches anything. */
export function agrees(output: string, expected: readonly string[]): boolean {
  if (expected.length === 0) return true;
  const source = expected
    .map((line) => line.trimEnd())
    .join('\n')
    .split('\n')
    .map((line) => (line === '…' ? '(?:.*\\n)*?.*' : line.split('…').map(escape).join('.*')))
    .join('\n');
  return new RegExp(`^${source}$`).test(output);
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
