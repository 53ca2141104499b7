import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createQueryMetrics } from '../../src/metrics.ts';
import { createReadGate } from '../../src/gate/read-gate.ts';

function gateOf(processMax: number, tenantMax: number, keyMax: number) {
  const metrics = createQueryMetrics(new Registry());
  const gate = createReadGate({ processMax, tenantMax, keyMax }, metrics);
  const releases: (() => void)[] = [];
  const enter = (tenantId: string, keyId = `key of ${tenantId}`): Promise<string> =>
    gate.run({ kind: 'list', tenantId, keyId }, () => new Promise((resolve) => releases.push(() => resolve(tenantId))));
  return { enter, releases, metrics };
}

test('I7: a tenant at its limit is told so, and others go on', async () => {
  const { enter, releases } = gateOf(10, 2, 10);
  const under = [enter('a'), enter('a', 'another key'), enter('b')];
  await expect(enter('a')).rejects.toMatchObject({ code: 'rate_limited' });
  for (const release of releases) release();
  expect(await Promise.all(under)).toEqual(['a', 'a', 'b']);
  const again = enter('a');
  releases.at(-1)?.();
  expect(await again).toBe('a');
});

test('I7: a key at its limit is told so whatever the tenant, and other keys go on', async () => {
  const { enter, releases, metrics } = gateOf(10, 10, 2);
  const under = [enter('a', 'operator'), enter('b', 'operator'), enter('c')];
  await expect(enter('d', 'operator')).rejects.toMatchObject({ code: 'rate_limited' });
  const { values } = await metrics.readsRefused.get();
  expect(values.filter(({ value }) => value > 0)).toEqual([{ labels: { limit: 'key' }, value: 1 }]);
  for (const release of releases) release();
  await Promise.all(under);
  const again = enter('d', 'operator');
  releases.at(-1)?.();
  expect(await again).toBe('d');
});

test('I8: the process at its limit refuses at once', async () => {
  const { enter, releases, metrics } = gateOf(2, 2, 2);
  const under = [enter('a'), enter('b')];
  expect((await metrics.readsInFlight.get()).values).toEqual([expect.objectContaining({ value: 2 })]);
  await expect(enter('c')).rejects.toMatchObject({ code: 'overloaded' });
  for (const release of releases) release();
  await Promise.all(under);
  expect((await metrics.readsInFlight.get()).values).toEqual([expect.objectContaining({ value: 0 })]);
});

test('a read that fails is counted and leaves its place', async () => {
  const limits = { processMax: 1, tenantMax: 1, keyMax: 1 };
  const metrics = createQueryMetrics(new Registry());
  const gate = createReadGate(limits, metrics);
  const read = { kind: 'list', tenantId: 'a', keyId: 'k' } as const;
  await expect(gate.run(read, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  const left = { ...read, signal: AbortSignal.abort() };
  await expect(gate.run(left, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  const { values } = await metrics.readFailures.get();
  const counted = values.filter(({ value }) => value > 0).map(({ labels }) => labels.code);
  expect(counted).toEqual(['internal', 'aborted']);
  expect(await gate.run(read, () => Promise.resolve(1))).toBe(1);
});
