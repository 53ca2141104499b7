import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createWorld, eventually, publishRecords, runDocket, startReceiver, startService } from '@docket/testkit';
import type { IncomingRequest, Receiver, ServiceProcess, World } from '@docket/testkit';
import { createPrompt } from './docket-for-tests.ts';

const token = randomBytes(24).toString('hex');
let world: World;
let service: ServiceProcess;
let receiver: Receiver;
let operatorKey: string;
let subscription: string;
let isRefusing = true;

/** Refuses what an event says must not pass, as a SIEM does with a field of the wrong type. */
const reply = ({ body }: IncomingRequest) =>
  isRefusing && body.includes('refuse me') ? { status: 400, body: 'no such field' } : { status: 204 };

beforeAll(async () => {
  world = await createWorld();
  receiver = await startReceiver({ behaviour: { kind: 'reply', reply } });
  service = await startService('all-in-one', {
    ...world.env,
    DOCKET_BOOTSTRAP_TOKEN: token,
    DOCKET_MASTER_KEY: randomBytes(32).toString('base64'),
    SINK_ALLOWED_HOSTS: '127.0.0.1',
  });
  const scopes = ['events:write', 'events:read', 'subscriptions:write', 'admin'];
  await printed(['tenants', 'create', 'acme'], token);
  const [made] = await printed(['keys', 'create', 'operator', '--all-tenants', '--scope', ...scopes], token);
  operatorKey = String(made?.['key']);
}, 180_000);

afterAll(async () => {
  await service.kill();
  await receiver.close();
  await world.close();
}, 60_000);

const { docket, printed } = createPrompt(() => ({ url: service.url, credential: operatorKey }));

async function record(...descriptions: string[]): Promise<void> {
  const events = descriptions.map((description) => ({
    tenant_id: 'acme',
    action: 'user.login',
    actor: { type: 'user', id: 'u_1' },
    description,
  }));
  await eventually(
    async () => {
      const response = await fetch(`${service.url}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${operatorKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ events }),
      });
      return response.status === 202;
    },
    { what: 'a gateway that knows the key' },
  );
}

describe('docket, about deliveries and what stands in their way', () => {
  test('status, test and preview show how a subscription fares, as tables and as JSON', async () => {
    const create = ['subscriptions', 'create', '--tenant', 'acme', '--url', `${receiver.url}/siem`];
    const [made] = await printed([...create, '--filter', '-action:docket.*']);
    subscription = String(made?.['id']);
    await record('one', 'two', 'refuse me', 'four');
    await eventually(
      async () => /\nparked +1\n/.test((await docket(['subscriptions', 'status', subscription])).output),
      {
        what: 'three deliveries and a parked event',
        deadlineMs: 60_000,
        intervalMs: 500,
      },
    );
    const { output } = await docket(['subscriptions', 'status', subscription]);
    expect(output).toMatch(/\nstate +active\n[^]*\nlag\.events +\d+\n[^]*\n\nAT +OUTCOME +STATUS/);
    expect(output).toMatch(/ delivered +204 /);
    expect(output).toMatch(/status_400/);
    expect(await printed(['subscriptions', 'status', subscription])).toMatchObject([{ parked: 1 }]);
    expect(await docket(['subscriptions', 'test', subscription])).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^outcome +delivered\n/),
    });
    const preview = await docket(['subscriptions', 'preview', subscription]);
    expect(preview.output).toMatch(
      /^4 events in the last 24 hours\n\nPOST http[^]*\(signature\)[^]*"description":"four"/,
    );
    expect(await printed(['subscriptions', 'preview', subscription])).toMatchObject([{ events_last_day: 4 }]);
  }, 120_000);

  test('parked events are listed and sent again', async () => {
    const { output } = await docket(['subscriptions', 'parked', subscription]);
    const [, seq = ''] = /^SEQ[^\n]*\n(\d+) +parked +status_400 +\S+ +no such field$/.exec(output) ?? [];
    expect(seq).not.toBe('');
    expect((await docket(['subscriptions', 'replay-parked', subscription])).output).toContain('--all');
    expect(await docket(['subscriptions', 'replay-parked', subscription, '9999'])).toMatchObject({
      code: 1,
      output: expect.stringMatching(/422 invalid_body[^]*\/seqs\/0 9999 is not parked/),
    });
    expect((await docket(['subscriptions', 'dismiss-parked', subscription])).output).toContain('--all');
    expect(await docket(['subscriptions', 'dismiss-parked', subscription, '9998', '9999'])).toMatchObject({
      code: 1,
      output: expect.stringMatching(/422 invalid_body[^]*\/seqs\/0 9998 is not parked/),
    });
    isRefusing = false;
    expect(await printed(['subscriptions', 'replay-parked', subscription, seq])).toEqual([{ requested: 1 }]);
    await eventually(async () => (await printed(['subscriptions', 'parked', subscription])).length === 0, {
      what: 'an empty list',
    });
    expect(await printed(['subscriptions', 'replay-parked', subscription, '--all'])).toEqual([{ requested: 0 }]);
    expect(await printed(['subscriptions', 'dismiss-parked', subscription, '--all'])).toEqual([{ dismissed: 0 }]);
  }, 120_000);

  test('replay counts what it would send, and sends it only when told to; resume goes back to a time', async () => {
    const replay = ['subscriptions', 'replay', subscription, '--since', '2026-01-01T00:00:00Z'];
    const [counted] = await printed(replay);
    expect(counted).toEqual({ events: 4, first_seq: expect.any(Number), last_seq: expect.any(Number) });
    expect(await printed(['subscriptions', 'list', '--tenant', 'acme'])).toHaveLength(1);
    const stale = await docket([...replay, '--yes', '--if-match', '"other"']);
    expect(stale).toMatchObject({ code: 1, output: expect.stringContaining('412 precondition_failed') });
    const [made] = await printed([...replay, '--yes']);
    expect(made).toMatchObject({ replay: { of: subscription, to_seq: counted?.['last_seq'] } });
    const received = (of: unknown) =>
      receiver.accepted().filter(({ body }) => body.includes(String(of)) && body.includes('"description":"four"'));
    await eventually(() => received(made?.['id']).length === 1, { what: 'the replay' });
    const before = received(subscription).length;
    const resume = ['subscriptions', 'resume', subscription, '--from'];
    expect(await printed([...resume, '2026-01-01T00:00:00Z'])).toMatchObject([{ state: 'active' }]);
    await eventually(() => received(subscription).length > before, { what: 'everything again' });
    expect(await docket([...resume, 'yesterday'])).toMatchObject({
      code: 1,
      output: expect.stringMatching(/422 invalid_body[^]*\/from\/time/),
    });
  }, 120_000);

  test('quarantine: what could not be read is listed with its reason, and redriven as what was meant', async () => {
    await publishRecords(world, [{ key: 'acme', value: Buffer.from('no Avro at all') }]);
    const list = ['quarantine', 'list', '--tenant', 'acme'];
    await eventually(async () => (await printed(list)).length === 1, { what: 'the record in quarantine' });
    const { output } = await docket(list);
    const [, seq = ''] = /^LOG +SEQ +RECEIVED +REASON +ID +DETAIL\nacme +(\d+) +\S+ +undecodable /.exec(output) ?? [];
    expect((await docket(['quarantine', 'list', '--tenant', '*'])).output).toBe(output);
    const redrive = ['quarantine', 'redrive', seq, '--tenant', 'acme'];
    expect((await docket(redrive)).code).toBe(1);
    expect((await docket([...redrive, '--event', 'x'])).output).toMatch(/^docket: --event is no JSON/);
    const event = JSON.stringify({ action: 'door.mended', actor: { type: 'user', id: 'u_1' } });
    expect(await printed([...redrive, '--event', event])).toMatchObject([{ tenant_id: 'acme', status: 'published' }]);
    await eventually(async () => (await printed(['search', 'action:door.mended', '--tenant', 'acme'])).length === 1, {
      what: 'the event',
    });
  }, 120_000);

  test('everything that was changed can be found in the log, and the log is whole', async () => {
    const search = ['search', 'action:docket.subscription.*', '--tenant', 'acme'];
    const wanted = ['created', 'parked_replay_started', 'replay_started', 'resumed'];
    const found = await eventually(
      async () => {
        const actions = (await printed(search)).map(({ action }) => String(action).replace('docket.subscription.', ''));
        return actions.length >= wanted.length ? actions.toReversed() : undefined;
      },
      { what: 'the changes in the log' },
    );
    expect(found).toEqual(wanted);
    const operators = ['search', 'action:docket.key.created', '--tenant', 'docket.operators'];
    expect(await printed(operators)).toMatchObject([
      { actor: { type: 'bootstrap_token' }, resources: [{ name: 'operator' }] },
    ]);
    expect(await runDocket(['verify'], world.env)).toMatchObject({ code: 0 });
  }, 180_000);
});
