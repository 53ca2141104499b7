import { EventEmitter } from 'node:events';

import { describe, expect, test } from '@jest/globals';

import { createApiRouter, healthOf, runService, setting } from '../src/index.ts';
import type { App, AppPorts } from '../src/index.ts';

/** Stands in for `process`: gives the exit code instead of ending the test run. */
function fakeHost(env: Record<string, string>) {
  const events = new EventEmitter();
  const stderr: string[] = [];
  let exited: (code: number) => void = () => undefined;
  const exitCode = new Promise<number>((resolve) => {
    exited = resolve;
  });
  const host = {
    env: { HTTP_PORT: '0', HTTP_HOST: '127.0.0.1', LOG_LEVEL: 'silent', ...env },
    stderr: { write: (text: string) => stderr.push(text) },
    on: (event: string, listener: (reason: unknown) => void) => events.on(event, listener),
    exit: (code: number) => exited(code),
  };
  return { host, events, stderr, exitCode };
}

function fakeApp(log: string[], name: string, overrides: Partial<App> = {}): App {
  return {
    start: async () => void log.push(`${name} started`),
    stop: async () => void log.push(`${name} stopped`),
    health: () => healthOf({}),
    router: createApiRouter(),
    ...overrides,
  };
}

describe('runService', () => {
  test('bad settings: all problems on stderr, exit 2, nothing created', async () => {
    const { host, stderr, exitCode } = fakeHost({ HTTP_PORT: 'x', LOG_LEVEL: 'loud' });
    const settings = { a: setting.integer({ env: 'A', description: 'd' }) };
    let created = false;
    const createApp = () => {
      created = true;
      return fakeApp([], 'a');
    };
    await runService({ name: 'demo', settings, createApp }, host);
    expect(created).toBe(false);
    expect(await exitCode).toBe(2);
    expect(stderr.join('')).toMatch(/docket demo: 3 settings are wrong:[^]*HTTP_PORT[^]*LOG_LEVEL[^]*A is not set/);
  });

  test.each(['SIGTERM', 'SIGINT'])('%s: apps stop, exit 0', async (signal) => {
    const { host, events, exitCode } = fakeHost({});
    const log: string[] = [];
    await runService(
      { name: 'demo', settings: {}, createApps: () => ({ a: fakeApp(log, 'a'), b: fakeApp(log, 'b') }) },
      host,
    );
    events.emit(signal, signal);
    expect(await exitCode).toBe(0);
    expect(log).toEqual(['a started', 'b started', 'a stopped', 'b stopped']);
  });

  test('SIGTERM: what would not end by itself is told to before HTTP closes, and apps stop after it has', async () => {
    const { host, events, exitCode } = fakeHost({});
    const log: string[] = [];
    const drain = (): void => void log.push('drained');
    await runService({ name: 'demo', settings: {}, createApp: () => fakeApp(log, 'a', { drain }) }, host);
    events.emit('SIGTERM', 'SIGTERM');
    expect(log).toEqual(['a started', 'drained']);
    expect(await exitCode).toBe(0);
    expect(log).toEqual(['a started', 'drained', 'a stopped']);
  });

  test('a second signal exits at once', async () => {
    const { host, events, exitCode } = fakeHost({});
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const stop = () => finished;
    await runService({ name: 'demo', settings: {}, createApp: () => fakeApp([], 'a', { stop }) }, host);
    events.emit('SIGTERM', 'SIGTERM');
    events.emit('SIGTERM', 'SIGTERM');
    expect(await exitCode).toBe(130);
    finish();
  });

  test('a start that fails stops what runs and exits 1', async () => {
    const { host, exitCode } = fakeHost({});
    const log: string[] = [];
    const start = () => Promise.reject(new Error('never'));
    await runService(
      { name: 'demo', settings: {}, createApps: () => ({ a: fakeApp(log, 'a'), b: fakeApp(log, 'b', { start }) }) },
      host,
    );
    expect(await exitCode).toBe(1);
    expect(log).toEqual(['a started', 'a stopped', 'b stopped']);
  });

  test('an app that must not go on ends the process with 1 after a clean stop', async () => {
    const { host, exitCode } = fakeHost({});
    const log: string[] = [];
    let ports: AppPorts | undefined;
    const createApp = (_config: object, given: AppPorts) => {
      ports = given;
      return fakeApp(log, 'a');
    };
    await runService({ name: 'demo', settings: {}, createApp }, host);
    ports?.exit(new Error('fenced'));
    ports?.exit(new Error('fenced again'));
    expect(await exitCode).toBe(1);
    expect(log).toEqual(['a started', 'a stopped']);
  });

  test.each(['uncaughtException', 'unhandledRejection'])('%s: exit 1 without a stop', async (event) => {
    const { host, events, exitCode } = fakeHost({});
    const log: string[] = [];
    await runService({ name: 'demo', settings: {}, createApp: () => fakeApp(log, 'a') }, host);
    events.emit(event, new Error('unforeseen'));
    expect(await exitCode).toBe(1);
    expect(log).toEqual(['a started']);
    events.emit('SIGTERM', 'SIGTERM');
  });

  test('a stop that fails exits 1', async () => {
    const { host, events, exitCode } = fakeHost({});
    const stop = () => Promise.reject(new Error('stuck'));
    await runService({ name: 'demo', settings: {}, createApp: () => fakeApp([], 'a', { stop }) }, host);
    events.emit('SIGTERM', 'SIGTERM');
    expect(await exitCode).toBe(1);
  });
});
