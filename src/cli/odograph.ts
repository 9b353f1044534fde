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
import { defineSend } from './send.ts';
import { defineSimulate } from './simulate.ts';
import { defineToken } from './token.ts';
import { defineUp } from './up.ts';
import { defineWhatIf } from './what-if.ts';

const DONE = 0;
const FAILED = 1;
const CALLED_WRONGLY = 2;

/** Problems of how we were called, rather than of what happened then. */
const WRONG_CALLS = new Set(['BAD_SETTINGS', 'BAD_ARGUMENTS']);

/** Errors of Node's and PostgreSQL's that have a way out, by their code. */
const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Does the server run there? `odograph doctor` looks.',
  ENOTFOUND: 'Is the name of the host right? `odograph doctor` looks.',
  ENOSPC: 'The disk is full.',
  EACCES: 'May this user read and write there?',
  '28P01':
    'The password is not right: look at DATABASE_URL, DATABASE_SINK_URL and DATABASE_API_URL.',
  '3D000': 'Make the database first: `createdb`.',
  '42P01': 'The database lacks our tables: `odograph migrate` makes them.',
};

function createProgram(): Command {
  const program = new Command('odograph')
    .description(
      'Trips, driver habits and premiums from telematics messages on Kafka, asked by GraphQL.',
    )
    .addHelpText(
      'after',
      '\nSettings come from the environment and from a file .env; .env.example describes them all.\n' +
        'Exit codes: 0 done, 1 failed, 2 called wrongly.\n\nStart with: odograph up',
    )
    .showHelpAfterError('(add --help for what there is)')
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
    defineToken,
    defineDeadLetters,
    defineDoctor,
  ]) {
    define(program);
  }
  return program;
}

/** Says what went wrong and what to do about it. @returns the exit code. */
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
// What a library still holds open does not keep a command that is done.
process.exit();
