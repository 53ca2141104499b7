import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Component, Stack } from '../src/index.ts';
import { defaultStackDir, findRunningStack, startStack } from '../src/index.ts';

const deadlineMs = 120_000;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ dir: defaultStackDir(), fresh: true });
}, deadlineMs);
afterAll(() => stack.stop(), deadlineMs);

const component = (name: 'kafka' | 'registry' | 'clickhouse'): Component => stack[name];

/** A signal stops the threads of a process one by one: an answer that is under way still goes out. Ends by the test's deadline. */
async function untilSilent(): Promise<void> {
  while ((await findRunningStack(stack.envFile)) !== null);
}

describe('fault handles', () => {
  test.each(['kafka', 'registry', 'clickhouse'] as const)(
    '%s can be killed and started again on the same port, and the others stay',
    async (name) => {
      const server = component(name);
      const { port } = server;
      await server.kill('SIGKILL');
      expect(server.pid()).toBeNull();
      expect(await findRunningStack(stack.envFile)).toBeNull();
      await server.start();
      expect(server.port).toBe(port);
      expect(await findRunningStack(stack.envFile)).toEqual(stack.env);
    },
    deadlineMs,
  );

  test(
    'a suspended server is alive and silent',
    async () => {
      const { clickhouse } = stack;
      clickhouse.suspend();
      expect(clickhouse.pid()).not.toBeNull();
      await untilSilent();
      clickhouse.resume();
      expect(await findRunningStack(stack.envFile)).toEqual(stack.env);
    },
    deadlineMs,
  );

  test('a kill through the handle is no failure of the stack', async () => {
    const pending = Symbol('pending');
    expect(await Promise.race([stack.failed, Promise.resolve(pending)])).toBe(pending);
  });
});
