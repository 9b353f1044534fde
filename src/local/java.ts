import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Problem } from '../problem.ts';

export interface Java {
  readonly command: string;
  /** The full version, such as 17.0.15. */
  readonly version: string;
}

/** Kafka 4 servers are compiled for Java 17 (its upgrade notes, 4.0). */
const OLDEST_JAVA = 17;

/**
 * Finds a Java that can run the broker: first in JAVA_HOME, then in PATH.
 * @throws Problem NO_JAVA, OLD_JAVA
 */
export function findJava(env: NodeJS.ProcessEnv): Java {
  const candidates = env['JAVA_HOME'] ? [join(env['JAVA_HOME'], 'bin', 'java'), 'java'] : ['java'];
  let newest: string | undefined;
  for (const command of candidates) {
    const version = readJavaVersion(command, env);
    if (version !== undefined && majorOf(version) >= OLDEST_JAVA) return { command, version };
    newest ??= version;
  }
  const hint =
    'Install one (Debian and Ubuntu: `apt install openjdk-17-jre-headless maven`; macOS: `brew install openjdk maven`), ' +
    'or set KAFKA_BROKERS to existing brokers.';
  throw newest === undefined
    ? new Problem(
        'NO_JAVA',
        `No Java found; the local broker needs Java ${OLDEST_JAVA} or newer.`,
        hint,
      )
    : new Problem(
        'OLD_JAVA',
        `Java ${newest} is too old; the local broker needs Java ${OLDEST_JAVA} or newer.`,
        hint,
      );
}

function readJavaVersion(command: string, env: NodeJS.ProcessEnv): string | undefined {
  const { stderr, status } = spawnSync(command, ['-version'], { encoding: 'utf8', env });
  return status === 0 ? /version "([^"]+)"/.exec(stderr)?.[1] : undefined;
}

/** 17 for 17.0.15; 8 for 1.8.0_402, the form used before Java 9. */
function majorOf(version: string): number {
  return Number(/^(?:1\.)?(\d+)/.exec(version)?.[1] ?? 0);
}
