import type { ComponentName } from './layout.ts';

/** Why the stack cannot start or had to stop. Each has one remedy. */
export type Problem =
  | { kind: 'java-missing' }
  | { kind: 'java-too-old'; version: string }
  | { kind: 'maven-missing' }
  | { kind: 'npm-missing' }
  | { kind: 'port-taken'; name: ComponentName; setting: string; port: number }
  | { kind: 'setting-invalid'; setting: string; value: string; expected: string }
  | { kind: 'disk-full'; dir: string; freeBytes: number; neededBytes: number }
  | { kind: 'already-running'; pid: number; dir: string }
  | { kind: 'platform-unknown'; platform: string }
  | { kind: 'not-built'; file: string }
  | { kind: 'download-failed'; what: string; logFile: string }
  | { kind: 'component-died'; name: ComponentName; how: string; logFile: string }
  | { kind: 'component-silent'; name: ComponentName; deadlineMs: number; detail: string; logFile: string }
  | { kind: 'interrupted' };

/** One line for the operator: what is wrong, then what to do about it. */
export function explainProblem(problem: Problem): string {
  switch (problem.kind) {
    case 'java-missing':
      return 'Java is missing. Install a JRE of version 17 or newer (Debian: apt install openjdk-17-jre-headless; macOS: brew install openjdk) or point JAVA_HOME at one.';
    case 'java-too-old':
      return `Java ${problem.version} is too old. Install version 17 or newer, or point JAVA_HOME at one.`;
    case 'maven-missing':
      return 'Maven is missing; it is needed once, to download Kafka and the schema registry. Install it (Debian: apt install maven; macOS: brew install maven).';
    case 'npm-missing':
      return 'npm is missing; it is needed once, to download ClickHouse. Install Node.js together with npm.';
    case 'port-taken':
      return `Port ${problem.port} for ${problem.name} is taken. Stop what listens there (lsof -i :${problem.port}), or set ${problem.setting} to another port, or unset it to get a free one.`;
    case 'setting-invalid':
      return `${problem.setting}=${problem.value} is not ${problem.expected}. Correct it, or unset it to use the default.`;
    case 'disk-full':
      return `${megabytes(problem.freeBytes)} MB are free at ${problem.dir}, ${megabytes(problem.neededBytes)} MB are needed. Free some space there and start again.`;
    case 'already-running':
      return `A stack is already running on ${problem.dir} (process ${problem.pid}). Use it (its settings are in stack.env there), or stop it first: kill ${problem.pid}.`;
    case 'platform-unknown':
      return `There is no ClickHouse library for ${problem.platform}. Use Linux (glibc) or macOS on x64 or arm64, or docker compose up.`;
    case 'not-built':
      return `${problem.file} is missing. Build first: npm run build.`;
    case 'download-failed':
      return `The download of ${problem.what} failed. See ${problem.logFile}; when the network is back, start again.`;
    case 'component-died':
      return `${problem.name} ${problem.how}. See ${problem.logFile}.`;
    case 'component-silent':
      return `${problem.name} did not answer within ${problem.deadlineMs / 1000} s (${problem.detail}). See ${problem.logFile}.`;
    case 'interrupted':
      return 'Interrupted before the stack was up; everything is stopped.';
    default:
      return problem satisfies never;
  }
}

/** Thrown for every expected failure of the stack; `message` is the one line of `explainProblem`. */
export class StackError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(explainProblem(problem), options);
    this.name = 'StackError';
    this.problem = problem;
  }
}

function megabytes(bytes: number): number {
  return Math.floor(bytes / 1_000_000);
}
