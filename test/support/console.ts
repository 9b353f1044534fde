// How the documents' sessions are run. A fenced block that begins with ```console run is a session of a
// shell in the root of the repository:
//
//   $ node --version          a command; a line that ends in \ goes on in the next one
//   v…                        what it has to print; … stands for anything in a line,
//   …                         and alone on a line for any lines
//
// Blocks of one document share a shell, so a variable set in one is known in the next. A command that
// ends with another code than 0 has failed, and without lines below it may print what it likes. With
// ```console run up the session is held against an `odograph up`; 127.0.0.1:4000 and 127.0.0.1:9092
// then mean that one's API and broker, and `npx odograph` works on its data folder.
import { spawn } from 'node:child_process';

export interface Step {
  /** Where the command stands in its document, counted from 1. */
  readonly line: number;
  readonly command: string;
  readonly expected: readonly string[];
}

export interface Session {
  readonly line: number;
  readonly needsUp: boolean;
  readonly steps: readonly Step[];
}

/** The sessions of a Markdown text. @throws Error for a block that no command begins. */
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

/** Whether an output is what the document says, where … stands for anything. */
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
