import { describe, expect, test } from '@jest/globals';
import { readTopic } from '@docket/kafka';
import { checkBatchChain, eventually } from '@docket/testkit';
import type { Behaviour, IncomingRequest, Reply, ServiceProcess, World } from '@docket/testkit';

import { bodiesOf, firstReceipts, idsIn, record } from './delivery-for-tests.ts';
import type { Subscriber } from './delivery-for-tests.ts';
import { createInstallation, token } from './installation-for-tests.ts';
import { expectGapWithout, expectNothingMissing } from './receiver-account.ts';

const site = createInstallation({ partitions: 2 });

interface Page {
  readonly data: readonly { readonly seq: number; readonly state: string }[];
  readonly next_cursor: string | null;
}

async function parkedOf({ url }: ServiceProcess, { subscription }: Subscriber, query = ''): Promise<Page> {
  const path = `/v1/subscriptions/${subscription.id}/parked${query}`;
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  expect(response.status).toBe(200);
  return (await response.json()) as Page;
}

async function replay({ url }: ServiceProcess, { subscription }: Subscriber, seqs: unknown): Promise<Response> {
  return fetch(`${url}/v1/subscriptions/${subscription.id}/parked/replay`, {
    method: 'POST',
    body: JSON.stringify({ seqs }),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  });
}

async function dismiss({ url }: ServiceProcess, { subscription }: Subscriber, query: string): Promise<Response> {
  const path = `${url}/v1/subscriptions/${subscription.id}/parked${query}`;
  return fetch(path, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
}

async function remove({ url }: ServiceProcess, { subscription }: Subscriber): Promise<void> {
  const path = `${url}/v1/subscriptions/${subscription.id}`;
  const response = await fetch(path, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
  expect(response.status).toBe(204);
}

async function metricOf({ url }: ServiceProcess, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

/** The keys of the topic of the cursors that compaction will leave. */
async function keptKeys({ kafka }: World): Promise<string[]> {
  const keys = new Set<string>();
  await readTopic(kafka, {
    topic: kafka.topics.cursors.name,
    onRecords: (records) => {
      for (const { key, value } of records) {
        const name = key?.toString() ?? '';
        if (value === null) keys.delete(name);
        else keys.add(name);
      }
    },
  });
  return [...keys];
}

const seqsOf = ({ data }: Page): number[] => data.map(({ seq }) => seq);

describe('events that a receiver refuses', () => {
  test('are found, parked with the next batch accounting for them, kept over kill -9, listed, and sent again when asked for', async () => {
    const refused = new Set<string>();
    const reply = ({ body }: IncomingRequest): Reply =>
      [...refused].some((id) => body.includes(id))
        ? { status: 400, body: 'field "user" is no keyword' }
        : { status: 204 };
    const one = await site.subscriber('acme', {
      behaviour: { kind: 'reply', reply },
      batch: { max_events: 20 },
      filter: '-action:docket.*',
    });
    await site.ingestor();
    const ids = await record(site.world, 'acme', 60);
    // The first of all, two neighbours, and one by itself.
    const poison = [0, 20, 21, 40].map((index) => ids[index] ?? '');
    for (const id of poison) refused.add(id);
    const manager = await site.admin();
    const first = await site.delivery();
    await eventually(async () => seqsOf(await parkedOf(manager, one)).length === 4, { what: 'four parked events' });
    await eventually(() => checkBatchChain(bodiesOf(one.receiver.accepted())).range?.toSeq === 60, {
      what: 'everything else',
    });
    expect(firstReceipts(one.receiver)).toEqual(ids);
    const report = checkBatchChain(bodiesOf(one.receiver.accepted()));
    expect(report).toMatchObject({ problems: [], skipped: 4 });
    expect(report.events.map(({ id }) => id)).toEqual(ids.filter((id) => !refused.has(id)));

    await first.kill('SIGKILL');
    await site.delivery();
    const page = await parkedOf(manager, one, '?limit=3');
    expect(page.data[0]).toMatchObject({
      seq: 1,
      error: 'status_400',
      answer_excerpt: 'field "user" is no keyword',
      parked_at: expect.any(String),
      state: 'parked',
    });
    expect(seqsOf(page)).toEqual([1, 21, 22]);
    expect(seqsOf(await parkedOf(manager, one, `?limit=3&cursor=${page.next_cursor}`))).toEqual([41]);

    expect((await replay(manager, one, [2])).status).toBe(422);
    refused.delete(poison[1] ?? '');
    expect(await (await replay(manager, one, [21])).json()).toEqual({ requested: 1 });
    await eventually(async () => !seqsOf(await parkedOf(manager, one)).includes(21), { what: 'one less' });
    refused.clear();
    expect(await (await replay(manager, one, 'all')).json()).toEqual({ requested: 3 });
    await eventually(async () => seqsOf(await parkedOf(manager, one)).length === 0, { what: 'an empty list' });
    const later = await record(site.world, 'acme', 5);
    const received = () => checkBatchChain(bodiesOf(one.receiver.accepted()), { mayOverlap: true });
    // Both orders to send again are told in the log.
    await eventually(() => received().range?.toSeq === 67, { what: 'the stream goes on' });
    expect(received().problems).toEqual([]);
    const replayed = bodiesOf(one.receiver.accepted()).filter((body) =>
      JSON.stringify(body).includes('"replay":"parked"'),
    );
    expect(replayed.flatMap(idsIn)).toEqual([poison[1], poison[0], poison[2], poison[3]]);
    expect(received().events.map(({ id }) => id)).toEqual([...ids.filter((id) => !poison.includes(id)), ...later]);
    const taken = bodiesOf(one.receiver.accepted());
    expectNothingMissing(taken, [...ids, ...later], ids[50] ?? '');
    expectGapWithout(taken, ids[50] ?? '');
  }, 180_000);

  test('a receiver that refuses everything for a while and recovers: nothing is parked, and everything comes in order', async () => {
    let isRefusing = true;
    const reply = (): Reply => ({ status: isRefusing ? 400 : 204 });
    const one = await site.subscriber('acme', { behaviour: { kind: 'reply', reply }, batch: { max_events: 20 } });
    const manager = await site.admin();
    await site.delivery();
    const ids = await record(site.world, 'acme', 50);
    await eventually(() => one.receiver.requests.length >= 25, { what: 'two rounds of refusals', deadlineMs: 60_000 });
    isRefusing = false;
    await eventually(() => checkBatchChain(bodiesOf(one.receiver.accepted())).range?.toSeq === 50, {
      what: 'everything',
      deadlineMs: 90_000,
    });
    const report = checkBatchChain(bodiesOf(one.receiver.accepted()));
    expect(report).toMatchObject({ problems: [], skipped: 0 });
    expect(report.events.map(({ id }) => id)).toEqual(ids);
    expect(firstReceipts(one.receiver)).toEqual(ids);
    expect(await parkedOf(manager, one)).toEqual({ data: [], next_cursor: null });
  }, 180_000);

  test('go with the subscription that is removed, and its cursor with them: while it is delivered, and while nobody delivers', async () => {
    const ids = await record(site.world, 'acme', 10);
    const behaviour: Behaviour = {
      kind: 'reply',
      reply: ({ body }) => ({ status: body.includes(ids[2] ?? '') ? 400 : 204 }),
    };
    const [first, second, kept] = [
      await site.subscriber('acme', { behaviour }),
      await site.subscriber('acme', { behaviour }),
      await site.subscriber('acme', { behaviour }),
    ];
    const manager = await site.admin();
    const delivery = await site.delivery();
    const untilParked = (events: number, by: ServiceProcess) =>
      eventually(async () => (await metricOf(by, 'docket_delivery_parked_events')) === events, {
        what: `${events} parked events`,
      });
    await untilParked(3, delivery);
    const keysOf =
      ({ subscription }: Subscriber) =>
      async () =>
        (await keptKeys(site.world)).filter((key) => key.startsWith(subscription.id));
    await eventually(async () => (await keysOf(first)()).length === 2, { what: 'its cursor and its parked event' });

    await remove(manager, first);
    await eventually(async () => (await keysOf(first)()).length === 0, { what: 'nothing is kept of the first' });
    await untilParked(2, delivery);

    await delivery.stop();
    await remove(manager, second);
    const next = await site.delivery();
    await eventually(async () => (await keysOf(second)()).length === 0, { what: 'nothing is kept of the second' });
    await untilParked(1, next);
    expect(await keysOf(kept)()).toHaveLength(2);
    expect(seqsOf(await parkedOf(manager, kept))).toEqual([3]);
  }, 120_000);

  test('leave the list when their owner does without them: while they are delivered, and while nobody delivers; which they were is told', async () => {
    const ids = await record(site.world, 'acme', 10);
    const refused = [ids[2], ids[5], ids[7]].map(String);
    const behaviour: Behaviour = {
      kind: 'reply',
      reply: ({ body }) => ({ status: refused.some((id) => body.includes(id)) ? 400 : 204 }),
    };
    const one = await site.subscriber('acme', { behaviour });
    const manager = await site.admin();
    const delivery = await site.delivery();
    const untilParked = (events: number, by: ServiceProcess) =>
      eventually(async () => (await metricOf(by, 'docket_delivery_parked_events')) === events, {
        what: `${events} parked events`,
      });
    await untilParked(3, delivery);
    await eventually(async () => seqsOf(await parkedOf(manager, one)).length === 3, { what: 'the list' });

    // None is named by nothing, nor is a mistake half a deed.
    expect((await dismiss(manager, one, '')).status).toBe(400);
    expect((await dismiss(manager, one, '?seqs=3,4')).status).toBe(422);
    expect(await (await dismiss(manager, one, '?seqs=3,6')).json()).toEqual({ dismissed: 2 });
    await untilParked(1, delivery);
    await eventually(async () => seqsOf(await parkedOf(manager, one)).join() === '8', { what: 'one is left' });
    const told = () => JSON.stringify(bodiesOf(one.receiver.accepted()));
    await eventually(async () => told().includes('docket.subscription.parked_dismissed'), { what: 'the event of it' });
    expect(told()).toContain('"seqs":"3 6"');

    await delivery.kill('SIGKILL');
    expect(await (await dismiss(manager, one, '?seqs=all')).json()).toEqual({ dismissed: 1 });
    await eventually(async () => seqsOf(await parkedOf(manager, one)).length === 0, { what: 'an empty list' });
    await untilParked(0, await site.delivery());
    const kept = async () => (await keptKeys(site.world)).filter((key) => key.startsWith(one.subscription.id));
    await eventually(async () => (await kept()).join() === one.subscription.id, { what: 'nothing but its cursor' });
    const report = checkBatchChain(bodiesOf(one.receiver.accepted()), { mayOverlap: true });
    expect(report.problems).toEqual([]);
    expect(one.receiver.accepted().some(({ body }) => refused.some((id) => body.includes(id)))).toBe(false);
  }, 120_000);

  test('elastic_bulk: items that are refused by themselves are parked, and their neighbours are stored once', async () => {
    const stored: string[] = [];
    const bulk = ({ body }: IncomingRequest): Reply => {
      const lines = body.toString().trim().split('\n');
      const items = lines.flatMap((line, index) => {
        if (index % 2 === 1) return [];
        const { create } = JSON.parse(line) as { create: Record<string, string> };
        const id = create['_id'] ?? '';
        const seq = Number(id.split(':')[1]);
        if (seq % 10 === 3) return [{ create: { status: 400, error: { type: 'document_parsing_exception' } } }];
        if (stored.includes(id)) return [{ create: { status: 409 } }];
        stored.push(id);
        return [{ create: { status: 201 } }];
      });
      const errors = items.some(({ create }) => create.status >= 300);
      return { status: 200, body: JSON.stringify({ errors, items }) };
    };
    const one = await site.subscriber('acme', {
      behaviour: { kind: 'reply', reply: bulk },
      sink: {
        token: 'secret',
        at: (url, secrets) => ({ type: 'elastic_bulk', url, secrets, index: 'audit', auth: 'api_key' }),
      },
    });
    const manager = await site.admin();
    await site.delivery();
    await record(site.world, 'acme', 40);
    await eventually(() => stored.length === 36, { what: 'all that can be stored' });
    await eventually(async () => seqsOf(await parkedOf(manager, one)).length === 4, { what: 'four parked events' });
    const { data } = await parkedOf(manager, one);
    expect(data.map(({ seq, state }) => [seq, state])).toEqual([3, 13, 23, 33].map((seq) => [seq, 'parked']));
    expect(data[0]).toMatchObject({ error: 'item_document_parsing_exception' });
    expect(stored.map((id) => Number(id.split(':')[1]))).toEqual(
      Array.from({ length: 40 }, (_, index) => index + 1).filter((seq) => seq % 10 !== 3),
    );
  }, 120_000);
});
