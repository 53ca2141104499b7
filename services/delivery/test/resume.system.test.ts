import { expect, test } from '@jest/globals';
import { checkBatchChain, eventually } from '@docket/testkit';
import type { ServiceProcess } from '@docket/testkit';

import { bodiesOf, record, untilAccepted } from './delivery-for-tests.ts';
import type { Subscriber } from './delivery-for-tests.ts';
import { createInstallation, token } from './installation-for-tests.ts';
import { expectNothingMissing } from './receiver-account.ts';

const site = createInstallation({ partitions: 2 });

async function resume({ url }: ServiceProcess, { subscription }: Subscriber, from: unknown): Promise<number> {
  const response = await fetch(`${url}/v1/subscriptions/${subscription.id}/resume`, {
    method: 'POST',
    body: JSON.stringify({ from }),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  });
  return response.status;
}

async function isSuspended({ url }: ServiceProcess): Promise<boolean> {
  return /docket_delivery_subscriptions\{phase="suspended"\} 1/.test(await (await fetch(`${url}/metrics`)).text());
}

/** As the receiver sees it from some request on. */
const chainFrom = ({ receiver }: Subscriber, first: number, rules = {}) =>
  checkBatchChain(bodiesOf(receiver.accepted().slice(first)), rules);

test('a receiver that fails for too long is suspended with nothing skipped; it goes on from now, told what was left out, or from a time, or from its cursor', async () => {
  await site.ingestor();
  const manager = await site.admin();
  const delivery = await site.delivery({ DELIVERY_SUSPEND_AFTER_SECONDS: '1' });
  const one = await site.subscriber('acme', { filter: '-action:docket.*' });
  const { receiver } = one;
  const beforeAll = new Date(Date.now() - 60_000).toISOString();
  const told = await record(site.world, 'acme', 10);
  await untilAccepted(receiver, told);
  receiver.answer({ kind: 'status', status: 500 });
  const missed = await record(site.world, 'acme', 10);
  await eventually(() => isSuspended(delivery), { what: 'the suspension' });
  receiver.answer({ kind: 'ok' });

  // From now: what is stored by now is left out, and the receiver can prove that nothing else is.
  const observer = await site.subscriber('acme');
  await untilAccepted(observer.receiver, missed);
  const stored = async () => {
    const [row] = await site.world.clickhouse.query<{ seq: string }>('SELECT max(seq) AS seq FROM audit_events');
    // Ten, ten, and the notice of the suspension.
    return Number(row?.seq) === 21;
  };
  await eventually(stored, { what: 'all is stored' });
  expect(await resume(manager, one, 'now')).toBe(200);
  await eventually(async () => !(await isSuspended(delivery)), { what: 'it goes on' });
  const later = await record(site.world, 'acme', 5);
  await untilAccepted(receiver, later);
  const report = chainFrom(one, 0);
  expect(report).toMatchObject({ problems: [], range: { afterSeq: 0 } });
  expect(report.events.map(({ id }) => id)).toEqual([...told, ...later]);
  expect(JSON.stringify(bodiesOf(receiver.accepted()))).toContain('"operator_skipped":11');

  // From a time: everything since then once more, in order.
  const known = receiver.accepted().length;
  expect(await resume(manager, one, { time: beforeAll })).toBe(200);
  await eventually(() => chainFrom(one, known).events.length === 25, { what: 'everything again' });
  const again = chainFrom(one, known);
  expect(again).toMatchObject({ problems: [], range: { afterSeq: 0 } });
  expect(again.events.map(({ id }) => id)).toEqual([...told, ...missed, ...later]);
  // Who goes by the webhook-id, as Standard Webhooks say, takes nothing of it for a repeat.
  const webhookIds = receiver.accepted().map(({ headers }) => headers['webhook-id']);
  const before = new Set(webhookIds.slice(0, known));
  expect(webhookIds.slice(known).filter((id) => before.has(id))).toEqual([]);

  // From the cursor, after a second suspension: what was not delivered, and nothing else.
  receiver.answer({ kind: 'status', status: 410 });
  const last = await record(site.world, 'acme', 5);
  await eventually(() => isSuspended(delivery), { what: 'the second suspension' });
  receiver.answer({ kind: 'ok' });
  const knownThen = receiver.accepted().length;
  expect(await resume(manager, one, 'cursor')).toBe(200);
  await untilAccepted(receiver, last);
  expect(chainFrom(one, knownThen).events.map(({ id }) => id)).toEqual(last);
  expect(await resume(manager, one, { time: 'yesterday' })).toBe(422);

  // Those of the outage came late, behind others of higher seqs.
  const all = [...told, ...missed, ...later, ...last];
  expectNothingMissing(bodiesOf(receiver.accepted()), all, missed[4] ?? '');
}, 180_000);
