#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { Problem } from '../problem.ts';
import { defineAnalyst } from './analyst.ts';
import { defineBill } from './bill.ts';
import { defineDeadLetters } from './dead-letters.ts';
import { defineDoctor } from './doctor.ts';
import { defineImport } from './import.ts';
import { defineMigrate } from './migrate.ts';
import { defineRate } from './rate.ts';
import { defineRoles } from './roles.ts';
import { defineRules } from './rules.ts';
import { defineSend } from './send.ts';
import { defineSimulate } from './simulate.ts';
import { defineToken } from './token.ts';
import { defineUp } from './up.ts';
import { defineWhatIf } from './what-if.ts';

const DONE = 0;
const FAILED = 1;
const CALLED_WRONGLY = 2;

/** Codes that mean a wrong call, as opposed to a failure while running. */
const WRONG_CALLS = new Set(['BAD_SETTINGS', 'BAD_ARGUMENTS']);

/** What to do about common errors of Node and PostgreSQL, by error code. */
const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Is the server running there? `odograph doctor` checks.',
  ENOTFOUND: 'Is the host name right? `odograph doctor` checks.',
  ENOSPC: 'The disk is full.',
  EACCES: 'This user needs read and write access there.',
  '28P01': 'Wrong password: check DATABASE_URL, DATABASE_SINK_URL and DATABASE_API_URL.',
  '3D000': 'Create the database first (`createdb`).',
  '42P01': 'Run `odograph migrate` first: the tables do not exist yet.',
};

function createProgram(): Command {
  const program = new Command('odograph')
    .description(
      'Trips, driver habits and premiums from telematics messages on Kafka, over GraphQL.',
    )
    .addHelpText(
      'after',
      '\nSettings come from the environment or a `.env` file; .env.example describes all of them.\n' +
        'Exit codes: 0 done, 1 failed, 2 called wrongly.\n\nStart with: odograph up',
    )
    .showHelpAfterError('(add --help for usage)')
    .exitOverride();
  for (const define of [
    defineUp,
    defineMigrate,
    defineRoles,
    defineSimulate,
    defineSend,
    defineRate,
    defineBill,
    defineWhatIf,
    defineImport,
    defineAnalyst,
    defineRules,
    defineToken,
    defineDeadLetters,
    defineDoctor,
  ]) {
    define(program);
  }
  return program;
}

/** Prints what went wrong and what to do about it. @returns the exit code. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : CALLED_WRONGLY;
  if (error instanceof Problem) {
    process.stderr.write(`${error.message}\n${error.hint}\n`);
    return WRONG_CALLS.has(error.code) ? CALLED_WRONGLY : FAILED;
  }
  const { message, code, stack } = error as NodeJS.ErrnoException;
  const hint = code === undefined ? undefined : HINTS[code];
  process.stderr.write(`${message || code || String(error)}\n${hint ?? stack ?? ''}\n`);
  return FAILED;
}

if (existsSync('.env')) process.loadEnvFile('.env');
try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
// A handle that a library left open must not keep a finished command alive.
process.exit();
