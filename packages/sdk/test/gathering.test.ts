import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDocket, type Docket } from '../src/index.ts';
import { type ScriptedGateway, startScriptedGateway } from './scripted-gateway.ts';

const actor = { type: 'user', id: 'u_1' };
let dir: string;
let gateway: ScriptedGateway;
let docket: Docket;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'docket-sdk-'));
  gateway = await startScriptedGateway(() => ({ kind: 'accept' }));
  const options = { url: gateway.url, key: 'dk_test_secret', tenantId: 'acme', source: { service: 'test' } };
  docket = createDocket({ ...options, spool: { dir }, batch: { eventsMax: 20 } });
});

afterEach(async () => {
  await docket.close();
  await gateway.close();
  await rm(dir, { recursive: true });
});

test('the first event is sent at once; those that follow are gathered for 50 ms', async () => {
  const beganAtMs = Date.now();
  for (let n = 0; n < 10; n += 1) await docket.record({ action: `step.n${n}`, actor });
  expect(await docket.flush()).toMatchObject({ ok: true });
  expect(gateway.taken).toHaveLength(10);
  expect(gateway.requests.length).toBeLessThanOrEqual(2 + (Date.now() - beganAtMs) / 50);
});

test('a backlog is sent in whole batches', async () => {
  await docket.recordNow({ action: 'first.one', actor });
  const outcomes = await Promise.all(
    Array.from({ length: 100 }, (_, n) => docket.record({ action: `step.n${n}`, actor })),
  );
  expect(outcomes.every(({ ok }) => ok)).toBe(true);
  expect(await docket.flush()).toMatchObject({ ok: true });
  expect(gateway.taken).toHaveLength(101);
  // Some may go while the others are still being written.
  expect(gateway.requests.length).toBeLessThanOrEqual(8);
});
