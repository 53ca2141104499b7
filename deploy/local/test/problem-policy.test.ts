import { describe, expect, test } from '@jest/globals';
import type { Problem } from '../src/problem-policy.ts';
import { explainProblem, StackError } from '../src/problem-policy.ts';

const logFile = '.local/logs/kafka.log';
const problems: Record<Problem['kind'], { problem: Problem; names: string[] }> = {
  'java-missing': { problem: { kind: 'java-missing' }, names: ['17', 'JAVA_HOME', 'apt install', 'brew install'] },
  'java-too-old': { problem: { kind: 'java-too-old', version: '11.0.2' }, names: ['11.0.2', '17', 'JAVA_HOME'] },
  'maven-missing': { problem: { kind: 'maven-missing' }, names: ['apt install maven', 'brew install maven'] },
  'npm-missing': { problem: { kind: 'npm-missing' }, names: ['npm'] },
  'port-taken': {
    problem: { kind: 'port-taken', name: 'kafka', setting: 'KAFKA_PORT', port: 9092 },
    names: ['9092', 'KAFKA_PORT', 'lsof -i :9092'],
  },
  'setting-invalid': {
    problem: { kind: 'setting-invalid', setting: 'KAFKA_PORT', value: 'abc', expected: 'a port' },
    names: ['KAFKA_PORT=abc', 'a port'],
  },
  'disk-full': {
    problem: { kind: 'disk-full', dir: '/data', freeBytes: 12_900_000, neededBytes: 500_000_000 },
    names: ['12 MB', '500 MB', '/data'],
  },
  'already-running': {
    problem: { kind: 'already-running', pid: 42, dir: '.local' },
    names: ['kill 42', 'stack.env', '.local'],
  },
  'platform-unknown': {
    problem: { kind: 'platform-unknown', platform: 'win32-x64' },
    names: ['win32-x64', 'docker compose'],
  },
  'not-built': { problem: { kind: 'not-built', file: 'dist/x.js' }, names: ['dist/x.js', 'npm run build'] },
  'download-failed': {
    problem: { kind: 'download-failed', what: 'kafka', logFile },
    names: ['kafka', logFile, 'start again'],
  },
  'component-died': {
    problem: { kind: 'component-died', name: 'kafka', how: 'exited with code 1', logFile },
    names: ['kafka exited with code 1', logFile],
  },
  'component-silent': {
    problem: { kind: 'component-silent', name: 'kafka', deadlineMs: 90_000, detail: 'refused', logFile },
    names: ['90 s', 'refused', logFile],
  },
  interrupted: { problem: { kind: 'interrupted' }, names: ['stopped'] },
};

describe('explainProblem', () => {
  test.each(Object.entries(problems))('%s is one line that names what to look at or do', (_, { problem, names }) => {
    const line = explainProblem(problem);
    expect(line).not.toContain('\n');
    for (const name of names) expect(line).toContain(name);
    expect(new StackError(problem).message).toBe(line);
  });
});
