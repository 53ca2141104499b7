import { expect, test } from '@jest/globals';
import { eventually } from '@docket/testkit';

import { putSubscription, record, untilAccepted } from './delivery-for-tests.ts';
import { ask, putKey } from './subscriber-for-tests.ts';
import type { Asked } from './subscriber-for-tests.ts';
import { createInstallation } from './installation-for-tests.ts';

const site = createInstallation({ partitions: 2 });

test('a subscriber sees the state, the lag, the last error and the last attempts of a subscription, through an outage and after it', async () => {
  await site.ingestor();
  const delivery = await site.delivery({ DELIVERY_SUSPEND_AFTER_SECONDS: '3600' });
  const [key, strangersKey, writersKey] = await Promise.all([
    putKey(site.world, ['subscriptions:write'], ['acme']),
    putKey(site.world, ['subscriptions:write'], ['beta']),
    putKey(site.world, ['events:write', 'events:read'], ['acme']),
  ]);
  const one = await site.subscriber('acme');
  const { receiver, subscription } = one;
  const path = `/v1/subscriptions/${subscription.id}/status`;
  const until = async (what: string, isSo: (answer: Asked) => boolean): Promise<Asked> => {
    let answer = await ask(delivery, key, 'GET', path);
    await eventually(async () => isSo((answer = await ask(delivery, key, 'GET', path))), { what });
    return answer;
  };

  const first = await record(site.world, 'acme', 10);
  await untilAccepted(receiver, first);
  const healthy = await until('all is stored', ({ text }) => /"head_seq":10\b.*"attempts":\[\{/.test(text));
  expect(healthy.body).toMatchObject({
    id: subscription.id,
    state: 'active',
    seq: 10,
    told_seq: 10,
    parked: 0,
    lag: { events: 0, seconds: 0, head_seq: 10 },
    last_failure: null,
    last_success_at: expect.stringMatching(/^20/),
  });
  expect(healthy.body).not.toHaveProperty('last_error');

  // The answer of the receiver is shown; the secret that it repeats is not.
  receiver.answer({ kind: 'status', status: 503, body: 'closed for today' });
  await record(site.world, 'acme', 5);
  const failing = await until('the outage', ({ body, text }) => body['state'] === 'failing' && text.includes('closed'));
  expect(failing.body).toMatchObject({
    last_error: 'status_503',
    failing_since: expect.stringMatching(/^20/),
    last_failure: { outcome: 'retry', http_status: 503, from_seq: 11, answer_excerpt: 'closed for today' },
  });
  const late = await until('the lag', ({ text }) => text.includes('"head_seq":15'));
  expect(late.body['lag']).toMatchObject({ events: 5 });
  expect(Number(Object(late.body['lag']).seconds)).toBeGreaterThan(0);

  receiver.answer({ kind: 'ok' });
  const mended = await until('the recovery', ({ body }) => body['seq'] === 15);
  expect(mended.body).toMatchObject({ state: 'active', last_failure: { http_status: 503 }, lag: { events: 0 } });

  await putSubscription(site.world, { ...subscription, state: 'paused', updated_at: new Date().toISOString() });
  await until('the pause', ({ body }) => body['state'] === 'paused');

  expect((await ask(delivery, strangersKey, 'GET', path)).status).toBe(404);
  expect((await ask(delivery, writersKey, 'GET', path)).status).toBe(403);
  expect((await ask(delivery, 'nobody', 'GET', path)).status).toBe(401);
  expect((await ask(delivery, key, 'GET', '/v1/subscriptions/sub_none/status')).status).toBe(404);

  // Without ClickHouse the rest is told.
  await delivery.stop();
  const blind = await site.delivery({ CLICKHOUSE_URL: 'http://127.0.0.1:1' });
  const told = async (): Promise<Asked> => ask(blind, key, 'GET', path);
  await eventually(async () => (await told()).status === 200, { what: 'an answer' });
  expect((await told()).body).toMatchObject({ state: 'paused', seq: 15, lag: null, attempts: [] });
}, 180_000);
