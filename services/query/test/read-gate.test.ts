import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createQueryMetrics } from '../src/metrics.ts';
import { createReadGate } from '../src/read-gate.ts';

function gateOf(readsMax: number, tenantReadsMax: number) {
  const gate = createReadGate({ readsMax, tenantReadsMax }, createQueryMetrics(new Registry()));
  const releases: (() => void)[] = [];
  const enter = (tenantId: string): Promise<string> =>
    gate.run(tenantId, () => new Promise((resolve) => releases.push(() => resolve(tenantId))));
  return { enter, releases };
}

test('I7: a tenant at its limit is told so, and others go on', async () => {
  const { enter, releases } = gateOf(10, 2);
  const under = [enter('a'), enter('a'), enter('b')];
  await expect(enter('a')).rejects.toMatchObject({ code: 'rate_limited' });
  for (const release of releases) release();
  expect(await Promise.all(under)).toEqual(['a', 'a', 'b']);
  const again = enter('a');
  releases.at(-1)?.();
  expect(await again).toBe('a');
});

test('I8: the process at its limit refuses at once', async () => {
  const { enter, releases } = gateOf(2, 2);
  const under = [enter('a'), enter('b')];
  await expect(enter('c')).rejects.toMatchObject({ code: 'overloaded' });
  for (const release of releases) release();
  await Promise.all(under);
});

test('a read that fails leaves its place', async () => {
  const gate = createReadGate({ readsMax: 1, tenantReadsMax: 1 }, createQueryMetrics(new Registry()));
  await expect(gate.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await gate.run('a', () => Promise.resolve(1))).toBe(1);
});
