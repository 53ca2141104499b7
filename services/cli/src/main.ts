#!/usr/bin/env node
import { SettingsError } from '@docket/runtime';
import { createProgram } from './program.ts';

// `docket search … | head`: whoever reads has enough. What the command has found stays its exit code.
process.stdout.on('error', (error) => {
  if (Reflect.get(error, 'code') !== 'EPIPE') throw error;
  process.exit();
});

const program = createProgram({
  env: process.env,
  print: (line) => void process.stdout.write(`${line}\n`),
  setExitCode: (code) => {
    process.exitCode = code;
  },
  // Loaded by name when it is asked for: a gateway's process does not carry the ingestor's code.
  startService: async (name) => {
    await import(`@docket/${name}/main`);
  },
});

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`docket: ${messageOf(error)}\n`);
  process.exitCode = error instanceof SettingsError ? 2 : 1;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${messageOf(error.cause)})` : error.message;
}
