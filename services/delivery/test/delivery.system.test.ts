import { newEventId } from '@docket/event';
import { describe, expect, test } from '@jest/globals';
import { checkBatchChain, eventInput, eventRecord, eventually, publishRecords } from '@docket/testkit';

import { bodiesOf, firstReceipts, idsIn, putSubscription, record, untilAccepted } from './delivery-for-tests.ts';
import type { Subscriber } from './delivery-for-tests.ts';
import { createInstallation } from './installation-for-tests.ts';

const site = createInstallation({ partitions: 4 });

/** I6, as the receiver can prove it: every event, in order, none missing, every request signed. */
function expectWhole({ receiver }: Subscriber, ids: readonly string[], rules: { mayOverlap?: boolean } = {}): void {
  const report = checkBatchChain(bodiesOf(receiver.accepted()), rules);
  expect(report.problems).toEqual([]);
  expect(report.events.map(({ id }) => id)).toEqual(ids);
  expect(firstReceipts(receiver)).toEqual(ids);
  expect(new Set(receiver.requests.map(({ signature }) => signature))).toEqual(new Set(['valid']));
}

describe('I6: at least once, in order', () => {
  test('a receiver that answers 500 for a while has everything in order afterwards, and another one never waits for it', async () => {
    const failing = await site.subscriber('acme', { behaviour: { kind: 'status', status: 500 } });
    const healthy = await site.subscriber('globex');
    await site.delivery();
    await site.ingestor();
    const sent = { acme: await record(site.world, 'acme', 45), globex: await record(site.world, 'globex', 45) };
    await untilAccepted(healthy.receiver, sent.globex, 20_000);
    expect(failing.receiver.accepted()).toEqual([]);
    for (let round = 0; round < 4; round += 1) sent.acme.push(...(await record(site.world, 'acme', 30)));
    await eventually(() => failing.receiver.requests.length >= 2, { what: 'a second try', deadlineMs: 20_000 });
    failing.receiver.answer({ kind: 'ok' });
    await untilAccepted(failing.receiver, sent.acme);
    expectWhole(failing, sent.acme);
    expectWhole(healthy, sent.globex);
    const retried = failing.receiver.requests.filter(({ status }) => status === 500);
    expect(retried.length).toBeGreaterThanOrEqual(2);
    // A retry sends the same bytes under the same id.
    expect(new Set(retried.map(({ body }) => body.toString())).size).toBe(1);
    expect(new Set(retried.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  }, 120_000);

  test('kill -9 in the middle of the stream: nothing is lost, and first receipts are in order', async () => {
    const one = await site.subscriber('acme', { batch: { max_events: 7, max_wait_ms: 0 } });
    const two = await site.subscriber('globex', { behaviour: { kind: 'status', status: 503, times: 3 } });
    await site.ingestor();
    const first = await site.delivery();
    const sent = { acme: await record(site.world, 'acme', 100), globex: await record(site.world, 'globex', 100) };
    await eventually(() => one.receiver.accepted().length >= 3, { what: 'three batches', deadlineMs: 30_000 });
    await first.kill('SIGKILL');
    const before = one.receiver.accepted().length;
    sent.acme.push(...(await record(site.world, 'acme', 100)));
    sent.globex.push(...(await record(site.world, 'globex', 100)));
    await site.delivery();
    await untilAccepted(one.receiver, sent.acme);
    await untilAccepted(two.receiver, sent.globex);
    expect(one.receiver.accepted().length).toBeGreaterThan(before);
    expectWhole(one, sent.acme, { mayOverlap: true });
    expectWhole(two, sent.globex, { mayOverlap: true });
  }, 180_000);

  test('two instances share the partitions; one dies, and the other takes over its subscriptions', async () => {
    const tenants = ['acme', 'globex', 'initech', 'umbrella', 'hooli', 'stark'];
    const all = await Promise.all(tenants.map((tenantId) => site.subscriber(tenantId, { batch: { max_events: 5 } })));
    await site.ingestor();
    const first = await site.delivery();
    await site.delivery();
    const sent = await Promise.all(tenants.map((tenantId) => record(site.world, tenantId, 40)));
    await Promise.all(all.map(({ receiver }, index) => untilAccepted(receiver, sent[index] ?? [])));
    await first.kill('SIGKILL');
    const more = await Promise.all(tenants.map((tenantId) => record(site.world, tenantId, 40)));
    await Promise.all(all.map(({ receiver }, index) => untilAccepted(receiver, more[index] ?? [])));
    all.forEach((one, index) =>
      expectWhole(one, [...(sent[index] ?? []), ...(more[index] ?? [])], { mayOverlap: true }),
    );
  }, 180_000);

  test('SIGTERM: ends cleanly with its cursors kept, so the next one begins exactly where it ended', async () => {
    const one = await site.subscriber('acme');
    await site.ingestor();
    const first = await site.delivery();
    const ids = await record(site.world, 'acme', 50);
    await untilAccepted(one.receiver, ids);
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    ids.push(...(await record(site.world, 'acme', 50)));
    await site.delivery();
    await untilAccepted(one.receiver, ids);
    expectWhole(one, ids);
  }, 120_000);
});

describe('a receiver with a limit of its own', () => {
  test('413: the batch comes in smaller ones until it fits, the size is remembered, and nothing is missing', async () => {
    const behaviour = { kind: 'body_limit', bytesMax: 6_000 } as const;
    const one = await site.subscriber('acme', { behaviour, batch: { max_events: 100, max_wait_ms: 0 } });
    const ids = await record(site.world, 'acme', 400);
    await site.delivery();
    await untilAccepted(one.receiver, ids, 20_000);
    expectWhole(one, ids);
    const refused = one.receiver.requests.filter(({ status }) => status === 413).length;
    expect(refused).toBeGreaterThanOrEqual(3);
    expect(refused).toBeLessThan(one.receiver.accepted().length / 2);
  }, 120_000);
});

describe('tail and catch-up', () => {
  test('a backlog far beyond the tail comes from ClickHouse and joins the tail without a seam, under traffic', async () => {
    const storing = await site.ingestor();
    const ids = await record(site.world, 'acme', 3_000);
    const one = await site.subscriber('acme', { batch: { max_events: 100, max_wait_ms: 20 } });
    const process = await site.delivery({ DELIVERY_TAIL_BYTES_MAX: '65536' });
    for (let round = 0; round < 10; round += 1) ids.push(...(await record(site.world, 'acme', 100)));
    await untilAccepted(one.receiver, ids);
    expectWhole(one, ids);
    const metrics = await (await fetch(`${process.url}/metrics`)).text();
    expect(metrics).toMatch(/docket_delivery_reads_total\{source="clickhouse",result="batch"\} [1-9]/);
    // Joined: what comes now is delivered although ClickHouse does not have it.
    await storing.kill('SIGKILL');
    const later = await record(site.world, 'acme', 20);
    await untilAccepted(one.receiver, later, 20_000);
    expectWhole(one, [...ids, ...later]);
  }, 180_000);

  test('with ClickHouse away, subscriptions that are in step go on, also over a restart', async () => {
    const one = await site.subscriber('acme');
    const away = { CLICKHOUSE_URL: 'http://127.0.0.1:1' };
    const first = await site.delivery(away);
    const ids = await record(site.world, 'acme', 30);
    await untilAccepted(one.receiver, ids, 30_000);
    await first.stop();
    ids.push(...(await record(site.world, 'acme', 30)));
    await site.delivery(away);
    await untilAccepted(one.receiver, ids, 30_000);
    expectWhole(one, ids);
  }, 120_000);

  test('what is no event is skipped and accounted for, whichever side it is read from', async () => {
    const event = () => eventRecord(site.world, eventInput('acme'));
    const garbage = { key: 'acme', value: Buffer.from('garbage') };
    await publishRecords(site.world, [event(), garbage, event(), { key: 'acme', value: null }, event()]);
    const live = await site.subscriber('acme');
    await site.delivery();
    await eventually(() => checkBatchChain(bodiesOf(live.receiver.accepted())).range?.toSeq === 5, {
      what: 'seq 5 from the tail',
    });
    await site.ingestor();
    const late = await site.subscriber('acme', { startAfterSeq: 1 });
    await eventually(() => checkBatchChain(bodiesOf(late.receiver.accepted())).range?.toSeq === 5, {
      what: 'seq 5 from ClickHouse',
    });
    const [fromTail, fromClickHouse] = [live, late].map(({ receiver }) =>
      checkBatchChain(bodiesOf(receiver.accepted())),
    );
    expect(fromTail).toMatchObject({ problems: [], skipped: 2, range: { afterSeq: 0, toSeq: 5 } });
    expect(fromClickHouse).toMatchObject({ problems: [], skipped: 2, range: { afterSeq: 1, toSeq: 5 } });
    expect(fromClickHouse?.events).toEqual(fromTail?.events.slice(1));
  }, 120_000);
});

describe('a filter', () => {
  const publish = async (count: number): Promise<string[]> => {
    const ids = Array.from({ length: count }, () => newEventId());
    const records = ids.map((id, index) => {
      const action = index % 10 === 0 ? 'role.created' : 'user.signed_in';
      return eventRecord(site.world, eventInput('acme', { id, action }));
    });
    await publishRecords(site.world, records);
    return ids.filter((_, index) => index % 10 === 0);
  };

  test('only matching events are delivered, every seq is accounted for, and both sides and a restart agree', async () => {
    await site.ingestor();
    const matching = await publish(600);
    const one = await site.subscriber('acme', { filter: 'action:role.*', batch: { max_events: 7 } });
    const other = await site.subscriber('acme', { filter: 'action:never.*' });
    const first = await site.delivery({ DELIVERY_TAIL_BYTES_MAX: '65536' });
    await untilAccepted(one.receiver, matching);
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    await site.delivery();
    matching.push(...(await publish(200)));
    await untilAccepted(one.receiver, matching);
    expectWhole(one, matching);
    const report = checkBatchChain(bodiesOf(one.receiver.accepted()));
    expect(report.range?.afterSeq).toBe(0);
    expect(report.skipped).toBe((report.range?.toSeq ?? 0) - matching.length);
    expect(other.receiver.requests).toEqual([]);
  }, 120_000);
});

describe('an idle subscription', () => {
  test('is told that nothing happened, also after a restart; paused it is not', async () => {
    const proofs = ({ receiver }: Subscriber): string[] =>
      bodiesOf(receiver.accepted()).flatMap((body) => /"as_of":"([^"]+)"/.exec(JSON.stringify(body))?.[1] ?? []);
    const one = await site.subscriber('acme', { filter: 'action:never.*' });
    const other = await site.subscriber('globex');
    const paused = { ...other.subscription, state: 'paused', updated_at: '2026-01-01T00:00:00.000Z' } as const;
    await putSubscription(site.world, paused);
    const beforeMs = Date.now();
    await record(site.world, 'acme', 10);
    await record(site.world, 'globex', 10);
    const first = await site.delivery({ DELIVERY_PROOF_INTERVAL_SECONDS: '1' });
    await eventually(() => proofs(one).length >= 2, { what: 'two proofs' });
    expect(checkBatchChain(bodiesOf(one.receiver.accepted())).range).toEqual({ afterSeq: 0, toSeq: 10 });
    await first.stop();
    const known = proofs(one).length;
    await record(site.world, 'acme', 10);
    await site.delivery({ DELIVERY_PROOF_INTERVAL_SECONDS: '1' });
    await eventually(() => proofs(one).length > known, { what: 'a proof after the restart' });
    const report = checkBatchChain(bodiesOf(one.receiver.accepted()));
    expect(report).toMatchObject({ problems: [], events: [], skipped: 20, range: { afterSeq: 0, toSeq: 20 } });
    const times = proofs(one).map((asOf) => Date.parse(asOf));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(beforeMs);
    expect(new Set(one.receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(times.length);
    expect(other.receiver.requests).toEqual([]);
  }, 120_000);
});

describe('what the owner of a subscription does', () => {
  test('410 suspends with the cursor kept, also over a restart; a change of the subscription goes on from there', async () => {
    const one = await site.subscriber('acme', { behaviour: { kind: 'status', status: 410 } });
    const first = await site.delivery();
    const ids = await record(site.world, 'acme', 10);
    await eventually(() => one.receiver.requests.length === 1, { what: 'the refusal' });
    ids.push(...(await record(site.world, 'acme', 10)));
    await first.stop();
    await site.delivery();
    ids.push(...(await record(site.world, 'acme', 10)));
    expect(one.receiver.requests).toHaveLength(1);
    one.receiver.answer({ kind: 'ok' });
    await putSubscription(site.world, { ...one.subscription, updated_at: new Date().toISOString() });
    await untilAccepted(one.receiver, ids);
    expectWhole(one, ids);
  }, 120_000);

  test('paused: nothing is sent; active again: everything that was missed, in order', async () => {
    const one = await site.subscriber('acme');
    await site.delivery();
    const ids = await record(site.world, 'acme', 10);
    await untilAccepted(one.receiver, ids);
    await putSubscription(site.world, { ...one.subscription, state: 'paused', updated_at: '2026-01-01T00:00:00.000Z' });
    const other = await site.subscriber('acme');
    await untilAccepted(other.receiver, ids);
    const missed = await record(site.world, 'acme', 10);
    await untilAccepted(other.receiver, missed);
    expect(bodiesOf(one.receiver.accepted()).flatMap(idsIn)).toEqual(ids);
    await putSubscription(site.world, { ...one.subscription, updated_at: '2026-01-02T00:00:00.000Z' });
    await untilAccepted(one.receiver, missed);
    expectWhole(one, [...ids, ...missed]);
    expectWhole(other, [...ids, ...missed]);
  }, 120_000);
});
