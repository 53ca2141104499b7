import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '@docket/testkit';
import { createDocket, type Docket, type DocketOptions, type Failure } from '../../src/index.ts';
import { type Behaviour, type ScriptedGateway, startScriptedGateway } from '../scripted-gateway.ts';
import { useTemporaryFolder } from './temporary-folder.ts';

const folderOf = useTemporaryFolder();
const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const item of opened.splice(0).toReversed()) await item.close();
});

const actor = { type: 'user', id: 'u_1' };
const busy: Behaviour = { kind: 'answer', status: 503 };

async function startGateway(behaviourOf: () => Behaviour): Promise<ScriptedGateway> {
  const gateway = await startScriptedGateway(behaviourOf);
  opened.push(gateway);
  return gateway;
}

function docketFor(url: string, options: Partial<DocketOptions> = {}) {
  const failures: Failure[] = [];
  const docket = createDocket({
    url,
    key: 'k',
    tenantId: 'acme',
    source: { service: 'app', instance: 'host' },
    spool: { dir: join(folderOf(), 'spools') },
    retry: { baseDelayMs: 1, maxDelayMs: 5 },
    onFailure: (failure) => failures.push(failure),
    ...options,
  });
  opened.push({ close: () => docket.close({ deadlineMs: 1 }) });
  return { docket, failures };
}

async function recordSteps(docket: Docket, from: number, to: number) {
  const outcomes = [];
  for (let n = from; n < to; n += 1)
    outcomes.push(await docket.record({ action: 'step.done', actor, metadata: { n } }));
  return outcomes;
}

describe('a folder that cannot be used', () => {
  test('is one loud failure, and everything is kept in memory and sent', async () => {
    await writeFile(join(folderOf(), 'spools'), 'a file where a folder should be');
    const gateway = await startGateway(() => ({ kind: 'accept' }));
    const { docket, failures } = docketFor(gateway.url);
    const outcomes = await recordSteps(docket, 0, 20);
    expect(outcomes.every((outcome) => outcome.ok && outcome.kept === 'memory')).toBe(true);
    expect(await docket.flush()).toEqual({ ok: true });
    expect(gateway.taken).toHaveLength(20);
    expect(failures.map(({ reason }) => reason)).toEqual(['spool_unavailable']);
    expect(docket.stats()).toMatchObject({ keptOn: 'memory', spoolFaults: 1, recorded: 20, accepted: 20 });
  });

  test('I8: memory is bounded, and full it says so', async () => {
    await writeFile(join(folderOf(), 'spools'), '');
    const gateway = await startGateway(() => busy);
    const { docket } = docketFor(gateway.url, { memory: { eventsMax: 3 } });
    const outcomes = await recordSteps(docket, 0, 5);
    expect(outcomes.map((outcome) => (outcome.ok ? outcome.kept : outcome.reason))).toEqual([
      ...Array(3).fill('memory'),
      'spool_full',
      'spool_full',
    ]);
  });

  test('that can be used again later takes what was kept in memory, before what comes then', async () => {
    await writeFile(join(folderOf(), 'spools'), '');
    let isUp = false;
    const gateway = await startGateway(() => (isUp ? { kind: 'accept' } : busy));
    const { docket } = docketFor(gateway.url);
    const before = await recordSteps(docket, 0, 10);
    await rm(join(folderOf(), 'spools'));
    await mkdir(join(folderOf(), 'spools'));
    await eventually(() => docket.stats().keptOn === 'disk', { what: 'the return to the disk' });
    expect(docket.stats()).toMatchObject({ queuedEvents: 10, queuedInMemory: 0 });
    const after = await recordSteps(docket, 10, 12);
    expect(after).toMatchObject([{ kept: 'disk' }, { kept: 'disk' }]);
    isUp = true;
    await docket.flush();
    expect(gateway.taken).toEqual([...before, ...after].map(({ id }) => id));
  });
});

describe('I8: a spool on disk that is full', () => {
  const spool = () => ({ dir: join(folderOf(), 'spools'), bytesMax: 12_000 });

  test('refuses at once by default, and a hole in the running numbers tells of it', async () => {
    let isUp = false;
    const gateway = await startGateway(() => (isUp ? { kind: 'accept' } : busy));
    const { docket, failures } = docketFor(gateway.url, { spool: spool() });
    const outcomes = await recordSteps(docket, 0, 50);
    const kept = outcomes.filter(({ ok }) => ok).length;
    expect(kept).toBeGreaterThan(10);
    expect(outcomes.slice(kept).every((outcome) => !outcome.ok && outcome.reason === 'spool_full')).toBe(true);
    expect(failures.filter(({ reason }) => reason === 'spool_full')).toHaveLength(50 - kept);
    expect(docket.stats().rejected).toEqual({ spool_full: 50 - kept });
    isUp = true;
    await docket.flush();
    await recordSteps(docket, 50, 51);
    await docket.flush();
    const counters = gateway.requests.flatMap(({ events }) => events).map(({ source }) => source.counter);
    expect(counters.at(-1)).toBe(51);
  });

  test('waits for room when it may, and takes everything in order', async () => {
    let isUp = false;
    const gateway = await startGateway(() => (isUp ? { kind: 'accept' } : busy));
    const { docket } = docketFor(gateway.url, { spool: spool(), waitForRoomMs: 10_000 });
    const all = Promise.all(
      Array.from({ length: 100 }, (_, n) => docket.record({ action: 'step.done', actor, metadata: { n } })),
    );
    await eventually(() => docket.stats().requestsFailed > 0, { what: 'a full spool before a gateway that is busy' });
    isUp = true;
    expect((await all).every(({ ok }) => ok)).toBe(true);
    await docket.flush();
    const steps = gateway.requests.flatMap(({ events }) => events).map(({ metadata }) => metadata['n']);
    expect([...new Set(steps)]).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });
});

test('running numbers and the instance go on across restarts', async () => {
  const gateway = await startGateway(() => ({ kind: 'accept' }));
  for (const [from, to] of [
    [0, 3],
    [3, 5],
  ] as const) {
    const { docket } = docketFor(gateway.url);
    await recordSteps(docket, from, to);
    expect(await docket.close()).toEqual({ ok: true });
  }
  const sources = gateway.requests.flatMap(({ events }) => events).map(({ source }) => source);
  expect(sources.map(({ counter }) => counter)).toEqual([1, 2, 3, 4, 5]);
  expect(new Set(sources.map(({ instance }) => instance)).size).toBe(1);
});

test('a spool that processes of other names use one after another has no hole in the numbers of any', async () => {
  const gateway = await startGateway(() => ({ kind: 'accept' }));
  for (const [instance, from] of [
    ['pod-1', 0],
    ['pod-2', 3],
    ['pod-1', 6],
  ] as const) {
    const { docket } = docketFor(gateway.url, { source: { service: 'app', instance } });
    await recordSteps(docket, from, from + 3);
    expect(await docket.close()).toEqual({ ok: true });
  }
  const numbers = new Map<string, unknown[]>();
  for (const { source } of gateway.requests.flatMap(({ events }) => events))
    numbers.set(source.instance, [...(numbers.get(source.instance) ?? []), source.counter]);
  expect([...numbers.values()]).toEqual([
    [1, 2, 3, 4, 5, 6],
    [1, 2, 3],
  ]);
});

test('a spool that was sent and closed leaves nothing to send', async () => {
  const gateway = await startGateway(() => ({ kind: 'accept' }));
  const { docket } = docketFor(gateway.url);
  await recordSteps(docket, 0, 3);
  await docket.close();
  const [folder = ''] = await readdir(join(folderOf(), 'spools'));
  expect(await readdir(join(folderOf(), 'spools', folder))).toEqual(['0']);
  const { docket: next } = docketFor(gateway.url);
  await recordSteps(next, 3, 4);
  await next.close();
  expect(gateway.taken).toHaveLength(4);
});
