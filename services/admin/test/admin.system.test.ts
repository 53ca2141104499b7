import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createWorld, eventually, startService } from '@docket/testkit';
import type { ServiceProcess, World } from '@docket/testkit';

const token = randomBytes(24).toString('hex');
let world: World;
let env: Record<string, string>;
const running: ServiceProcess[] = [];

beforeAll(async () => {
  world = await createWorld();
  env = { ...world.env, DOCKET_BOOTSTRAP_TOKEN: token, DOCKET_MASTER_KEY: randomBytes(32).toString('base64') };
}, 90_000);

afterAll(async () => {
  for (const service of running) await service.kill();
  await world.close();
}, 60_000);

async function start(): Promise<ServiceProcess> {
  const service = await startService('admin', env);
  running.push(service);
  return service;
}

function createTenant(service: ServiceProcess, id: string): Promise<Response> {
  return fetch(`${service.url}/v1/tenants`, {
    method: 'POST',
    body: JSON.stringify({ id }),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  });
}

describe('the admin process', () => {
  test('wrong settings: every one is named with its remedy, no secret is shown, exit 2', async () => {
    const bad = {
      ...env,
      DOCKET_MASTER_KEY: 'hunter2-hunter2',
      DOCKET_BOOTSTRAP_TOKEN: 'short-secret',
      KAFKA_BROKERS: 'nowhere',
    };
    const failed = startService('admin', bad);
    await expect(failed).rejects.toThrow(
      /ended \(code 2\)[^]*3 settings are wrong[^]*KAFKA_BROKERS[^]*DOCKET_MASTER_KEY[^]*DOCKET_BOOTSTRAP_TOKEN/,
    );
    await expect(failed).rejects.toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/hunter2|short-secret/) }),
    );
  }, 60_000);

  test('kill -9 within writes: what was answered 201 is there afterwards', async () => {
    const first = await start();
    const answers = Array.from({ length: 50 }, (_, n) =>
      createTenant(first, `t${n}`).then(
        ({ status }) => status,
        () => 0,
      ),
    );
    await Promise.all(answers.slice(0, 10));
    await first.kill('SIGKILL');
    const statuses = await Promise.all(answers);
    expect(statuses.filter((status) => status === 201).length).toBeGreaterThanOrEqual(10);

    const second = await start();
    const response = await fetch(`${second.url}/v1/tenants?limit=1000`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const text = await response.text();
    for (const [n, status] of statuses.entries()) if (status === 201) expect(text).toContain(`"t${n}"`);
  }, 120_000);

  test('a second admin ends the first with exit code 1 and a line that says why; SIGTERM ends the second with 0', async () => {
    const first = running.at(-1);
    if (first === undefined) throw new Error('no admin is running');
    const second = await start();
    expect(await first.exited).toEqual({ code: 1, signal: null });
    expect(first.logs.some((line) => line.includes('service.failed') && line.includes('writer_fenced'))).toBe(true);
    expect((await createTenant(second, 'fresh')).status).toBe(201);
    expect(await second.stop()).toEqual({ code: 0, signal: null });
    await eventually(() => second.logs.some((line) => line.includes('service.stopped')), { what: 'the last line' });
  }, 120_000);

  test('no secret and no body is in the log', () => {
    const lines = running.flatMap(({ logs }) => logs).join('\n');
    expect(lines).toContain('tenant.created');
    for (const secret of [token, env['DOCKET_MASTER_KEY'] ?? '']) expect(lines).not.toContain(secret);
  });
});
