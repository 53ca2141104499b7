import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createWorld, eventually, runDocket, startService } from '@docket/testkit';
import type { ServiceProcess, World } from '@docket/testkit';
import { createPrompt } from './docket-for-tests.ts';

const token = randomBytes(24).toString('hex');
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
let world: World;
let service: ServiceProcess;
let key: string;

beforeAll(async () => {
  world = await createWorld();
  service = await startService('all-in-one', {
    ...world.env,
    DOCKET_BOOTSTRAP_TOKEN: token,
    DOCKET_MASTER_KEY: randomBytes(32).toString('base64'),
    SINK_ALLOWED_HOSTS: '127.0.0.1',
  });
}, 180_000);

afterAll(async () => {
  await service.kill();
  await world.close();
}, 60_000);

const { docket, printed } = createPrompt(() => ({ url: service.url, credential: token }));

async function record(event: object): Promise<void> {
  const response = await fetch(`${service.url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ actor: { type: 'user', id: 'u_1', name: 'Jane' }, ...event }),
  });
  expect(response.status).toBe(202);
}

describe('docket, as a client of the API', () => {
  test('tenants: created, listed as a table and as JSON, shown', async () => {
    expect(await printed(['tenants', 'create', 'acme', '--name', 'Acme Inc'])).toMatchObject([
      { id: 'acme', name: 'Acme Inc' },
    ]);
    await printed(['tenants', 'create', 'beta']);
    const { code, output } = await docket(['tenants', 'list']);
    expect(code).toBe(0);
    expect(output.split('\n')).toEqual([
      expect.stringMatching(/^ID {4}NAME {6}CREATED$/),
      expect.stringMatching(/^acme {2}Acme Inc {2}\d{4}-/),
      expect.stringMatching(/^beta {2}beta {6}\d{4}-/),
    ]);
    expect((await printed(['tenants', 'list'])).map(({ id }) => id)).toEqual(['acme', 'beta']);
    expect((await docket(['tenants', 'get', 'acme'])).output).toMatch(/^id +acme\nname +Acme Inc\n/);
  }, 120_000);

  test('keys: made, used, listed without their secret, revoked', async () => {
    const scopes = ['--scope', 'events:write', 'events:read', 'subscriptions:write', '--tenant', 'acme'];
    const [made] = await printed(['keys', 'create', 'app', ...scopes]);
    key = String(made?.['key']);
    const [doomed] = await printed(['keys', 'create', 'doomed', '--scope', 'admin', '--all-tenants']);
    const doomedKey = String(doomed?.['key']);
    expect((await docket(['tenants', 'list'], doomedKey)).code).toBe(0);
    const [rotated] = await printed(['keys', 'rotate', String(doomed?.['id']), '--overlap-seconds', '600']);
    expect((await docket(['tenants', 'list'], String(rotated?.['key']))).code).toBe(0);
    const etag = (await docket(['keys', 'get', String(doomed?.['id']), '--etag'])).output.trim();
    expect(await docket(['keys', 'revoke', String(doomed?.['id']), '--if-match', '"other"'])).toMatchObject({
      code: 1,
      output: expect.stringContaining('412 precondition_failed'),
    });
    expect(await docket(['keys', 'revoke', String(doomed?.['id']), '--if-match', etag])).toMatchObject({ code: 0 });
    expect(await docket(['tenants', 'list'], doomedKey)).toMatchObject({
      code: 1,
      output: expect.stringContaining('401 unauthenticated'),
    });
    const { output } = await docket(['keys', 'list']);
    expect(output).toMatch(/app +events:write events:read subscriptions:write +acme +(?:\S+Z +)?valid/);
    expect(output).toMatch(/doomed +admin +\* +(?:\S+Z +)?revoked \d{4}-/);
    expect(output).not.toContain(key.slice(20));
  }, 120_000);

  test('subscriptions: created with a secret shown once, paused, resumed, removed', async () => {
    const url = 'http://127.0.0.1:9/siem';
    const create = ['subscriptions', 'create', '--url', url, '--filter', '-outcome:success', '--window', '3'];
    const [made] = await printed(create, key);
    expect(made).toMatchObject({
      tenant_id: 'acme',
      filter: '-outcome:success',
      mode: { type: 'window', batches: 3 },
      secret: expect.stringMatching(/^whsec_/),
    });
    const id = String(made?.['id']);
    expect((await docket(['subscriptions', 'list', '--tenant', 'acme'], key)).output).toContain(`webhook ${url}`);
    const shown = async () => (await docket(['subscriptions', 'status', id], key)).output;
    // Tenant, key and subscription were made: what the filter leaves out of the log by now.
    await eventually(async () => /\nseq +3\n/.test(await shown()), { what: 'delivery knows it' });
    expect(await shown()).toMatch(/^id +sub_[^]*\nstate +active\nseq +3\n/);
    expect(await printed(['subscriptions', 'status', id], key)).toMatchObject([{ id, state: 'active', attempts: [] }]);
    expect(await docket(['subscriptions', 'test', id], key)).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^outcome +retry[^]*error +refused/),
    });
    expect((await docket(['subscriptions', 'preview', id], key)).output).toMatch(/^\d+ events in the last 24 hours/);
    const etag = (await docket(['subscriptions', 'get', id, '--etag'], key)).output.trim();
    const rotate = ['subscriptions', 'rotate-secret', id, '--overlap-seconds', '60', '--if-match', etag];
    expect(await printed(rotate, key)).toMatchObject([
      { secret: expect.stringMatching(/^whsec_/), previous_valid_until: expect.stringMatching(/^20/) },
    ]);
    expect(await docket(rotate, key)).toMatchObject({
      code: 1,
      output: expect.stringContaining('412 precondition_failed'),
    });
    expect(await printed(['subscriptions', 'pause', id], key)).toMatchObject([{ state: 'paused' }]);
    expect(await printed(['subscriptions', 'resume', id], key)).toMatchObject([{ state: 'active' }]);
    expect(await docket(['subscriptions', 'remove', id], key)).toMatchObject({ code: 0, output: `${id} removed` });
    expect(await printed(['subscriptions', 'list'], key)).toEqual([]);
    const body = JSON.stringify({
      sink: { type: 'splunk_hec', url: 'https://splunk.example:8088', token: 'secret-token' },
    });
    expect(await printed(['subscriptions', 'create', '--body', body], key)).toMatchObject([
      { sink: { type: 'splunk_hec' } },
    ]);
  }, 120_000);

  test('subscriptions start where --start says: from now, behind a seq, from a time', async () => {
    const startedAt = (start: string) =>
      docket(['subscriptions', 'create', '--url', 'http://127.0.0.1:9/siem', '--start', start], key);
    expect(await startedAt('7')).toMatchObject({ code: 0, output: expect.stringMatching(/\nstart_after_seq +7\n/) });
    for (const start of ['beginning', 'now', '2026-01-01T00:00:00Z'])
      expect(await startedAt(start)).toMatchObject({
        code: 0,
        output: expect.stringMatching(/\nstart_after_seq +0\n/),
      });
    expect(await startedAt('soon')).toMatchObject({ code: 1, output: expect.stringContaining('/start/time') });
  }, 60_000);

  test('search: in the search language, also with terms that begin with a dash, newest first, over pages', async () => {
    await eventually(() => record({ action: 'user.login' }).then(() => true), { what: 'a known key' });
    await record({ action: 'user.deleted', outcome: 'denied', description: 'red\u001b[31m' });
    await eventually(async () => (await printed(['search'], key)).length >= 2, { what: 'events to find' });
    const { code, output } = await docket(['search', '-outcome:success', 'actor:u_1', '--since', '-1h'], key);
    expect(code).toBe(0);
    expect(output.split('\n')).toHaveLength(2);
    expect(output).toMatch(/^TIME +ACTION +ACTOR/);
    expect(output).toMatch(/user\.deleted +user:u_1 \(Jane\) +denied/);
    const found = await printed(['search', 'action:user.*', '--limit', '1'], key);
    expect(found).toMatchObject([{ action: 'user.deleted', seq: expect.any(Number) }]);
  }, 120_000);

  test('errors say what is wrong, where, and what to do', async () => {
    const wrong = await docket(['search', 'actr:u_1'], key);
    expect(wrong).toMatchObject({ code: 1, output: expect.stringContaining('did you mean') });
    expect(await docket(['search', '--limt', '5'], key)).toMatchObject({
      code: 1,
      output: 'docket: unknown option --limt',
    });
    expect((await docket(['tenants', 'create', 'a b'])).output).toMatch(/422 invalid_body[^]*\/id /);
    expect((await docket(['keys', 'create', 'x', '--scope', 'admin'])).output).toContain('--all-tenants');
    const unset = await runDocket(['tenants', 'list'], { DOCKET_URL: service.url });
    expect(unset).toMatchObject({ code: 2, output: expect.stringContaining('DOCKET_KEY') });
    const away = await runDocket(['tenants', 'list'], { DOCKET_URL: 'http://127.0.0.1:1', DOCKET_KEY: token });
    expect(away).toMatchObject({ code: 1, output: expect.stringContaining('check DOCKET_URL') });
  }, 120_000);

  test('tail: shows what comes from now on, filtered', async () => {
    const child = spawn(process.execPath, [main, 'tail', 'action:door.*', '--json'], {
      env: { DOCKET_URL: service.url, DOCKET_KEY: key },
    });
    try {
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const id = randomUUID();
      // Until the stream is open, events are before its beginning.
      await eventually(
        async () => {
          await record({ action: 'door.opened' });
          return output.includes('door.opened');
        },
        { what: 'an event of the tail', intervalMs: 500 },
      );
      await record({ action: 'user.login' });
      await record({ action: 'door.closed', id });
      await eventually(() => output.includes(id), { what: 'the last event' });
      expect(output).not.toContain('user.login');
    } finally {
      child.kill('SIGKILL');
    }
  }, 120_000);

  test('tail: comes back when its connection breaks, whatever a proxy answers then, and ends with the reason when Docket refuses it for good', async () => {
    const way = await startWay(Number(new URL(service.url).port));
    const [made] = await printed(['keys', 'create', 'tail', '--scope', 'events:read', '--tenant', 'acme']);
    const child = spawn(process.execPath, [main, 'tail', 'action:gate.*', '--json'], {
      env: { DOCKET_URL: way.url, DOCKET_KEY: String(made?.['key']) },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
    const exited = once(child, 'exit');
    const comes = (action: string): Promise<unknown> =>
      eventually(
        async () => {
          await record({ action });
          return output.includes(action);
        },
        { what: `${action} in the tail`, intervalMs: 500 },
      );
    try {
      await comes('gate.opened');
      way.cut();
      await eventually(() => way.refused() > proxyAnswers.length, { what: 'a try to come back behind each refusal' });
      way.mend();
      await comes('gate.closed');
      way.cut();
      await docket(['keys', 'revoke', String(made?.['id'])]);
      way.mend();
      expect(await exited).toEqual([1, null]);
      expect(output).toContain('docket: The key was revoked at');
      expect(output).toContain('401 unauthenticated');
    } finally {
      child.kill('SIGKILL');
      way.close();
    }
  }, 120_000);
});

const page = (status: string, body: string): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
/** What somebody hears in turn on a way that is cut: nothing, no route during a rollout, a firewall. */
const proxyAnswers = ['', page('404 Not Found', '404 page not found'), page('403 Forbidden', '{"code":"blocked"}')];

/** A way to a port that can be cut: what is open breaks, and what comes is answered as by a proxy. */
async function startWay(port: number) {
  let [isCut, refused] = [false, 0];
  const open = new Set<Socket>();
  const server = createServer((from) => {
    from.on('error', () => undefined);
    if (isCut) {
      refused += 1;
      from.resume().end(proxyAnswers[(refused - 1) % proxyAnswers.length] ?? '');
      return;
    }
    const to = connect(port, '127.0.0.1').on('error', () => undefined);
    for (const socket of [from, to]) {
      open.add(socket);
      socket.on('close', () => {
        open.delete(socket);
        from.destroy();
        to.destroy();
      });
    }
    from.pipe(to).pipe(from);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const cut = (): void => {
    isCut = true;
    for (const socket of open) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    cut,
    mend: () => (isCut = false),
    /** Connections since the beginning that found it cut. */
    refused: () => refused,
    close: () => {
      cut();
      server.close();
    },
  };
}
