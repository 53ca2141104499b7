import { expect, test } from '@jest/globals';
import { accept, actor, createRecorders, recordMany } from './recorders-for-tests.ts';
import { type Behaviour, problem } from './scripted-gateway.ts';

const { gatewayThat, docketFor } = createRecorders();

test('an event that the gateway refuses goes alone: its neighbours arrive in order', async () => {
  const gateway = await gatewayThat((_index, { events }) =>
    events.some((event) => event.action === 'step.n5')
      ? problem(422, 'invalid_event', { errors: [{ pointer: '/action', detail: 'no' }] })
      : accept,
  );
  const { docket, failures } = docketFor(gateway);
  const outcomes = await recordMany(docket, 12);
  await docket.flush();
  const ids = outcomes.map((outcome) => outcome.id);
  expect(gateway.taken).toEqual(ids.filter((_, i) => i !== 5));
  expect(failures).toEqual([{ reason: 'refused', id: ids[5], detail: 'HTTP 422; invalid_event; /action no' }]);
  expect(docket.stats()).toMatchObject({ accepted: 11, refused: 1 });
});

test('an event that an accepting answer put aside is reported', async () => {
  const gateway = await gatewayThat((_index, { events }) => ({
    kind: 'answer',
    status: 202,
    body: {
      results: events.map(({ id }, i) =>
        i === 1
          ? { id, status: 'quarantined', errors: [{ pointer: '/actor/id', detail: 'is empty' }] }
          : { id, status: 'published' },
      ),
    },
  }));
  const { docket, failures } = docketFor(gateway);
  const outcomes = await recordMany(docket, 3);
  await docket.flush();
  expect(failures).toEqual([{ reason: 'refused', id: outcomes[1]?.id, detail: 'quarantined; /actor/id is empty' }]);
});

test('an event that is recorded again with its id goes with the next request: the gateway refuses the second of one', async () => {
  const gateway = await gatewayThat((index, { events }) => {
    const seen = new Set<string>();
    const results = events.map(({ id, tenant_id }) => {
      const isFirst = seen.size < seen.add(`${tenant_id} ${id}`).size;
      return { id, status: isFirst ? 'published' : 'quarantined' };
    });
    return { kind: 'answer', status: index === 0 ? 503 : 202, body: { results } };
  });
  const { docket, failures } = docketFor(gateway);
  const record = (id: string, tenant_id = 'acme') => docket.record({ id, tenant_id, action: 'a', actor });
  const ids = ['one', 'two', 'one', 'one', 'three'];
  await Promise.all([record('zero'), ...ids.map((id) => record(id)), record('three', 'globex')]);
  expect(await docket.flush()).toEqual({ ok: true });
  expect(failures.filter(({ reason }) => reason === 'refused')).toEqual([]);
  const sent = gateway.requests.slice(1).map(({ events }) => events.map(({ id }) => id));
  expect(sent).toEqual([['zero', 'one', 'two'], ['one'], ['one', 'three', 'three']]);
});

test('a wrong key is reported and the events are kept until it is right', async () => {
  const gateway = await gatewayThat((index) => (index < 2 ? problem(401, 'unauthenticated') : accept));
  const { docket, failures } = docketFor(gateway);
  const [outcome] = await recordMany(docket, 1);
  await docket.flush();
  expect(failures.map(({ reason }) => reason)).toEqual(['misconfigured', 'misconfigured']);
  expect(gateway.taken).toEqual([outcome?.id]);
});

test('something that answers 200 without being a gateway takes no event out of the spool', async () => {
  const gateway = await gatewayThat((index) =>
    index < 2 ? { kind: 'answer', status: 200, body: { hello: 'from another service' } } : accept,
  );
  const { docket, failures } = docketFor(gateway);
  const [outcome] = await recordMany(docket, 1);
  expect(await docket.flush()).toEqual({ ok: true });
  expect(failures.map(({ reason }) => reason)).toEqual(['misconfigured']);
  expect(gateway.taken).toEqual([outcome?.id]);
});

test('a proxy that refuses for a moment, or one of two, loses nothing', async () => {
  const gateway = await gatewayThat((index, { events }) => {
    if (events.length === 0) return problem(422, 'invalid_event');
    return index < 4 ? { kind: 'answer', status: 403 } : accept;
  });
  const { docket, failures } = docketFor(gateway);
  const [outcome] = await recordMany(docket, 1);
  expect(await docket.flush()).toEqual({ ok: true });
  expect(failures.filter(({ reason }) => reason === 'refused')).toEqual([]);
  expect(gateway.taken).toEqual([outcome?.id]);
});

test('one wrong server of two behind a balancer takes no event out of the spool', async () => {
  const gateway = await gatewayThat((index, { events }) => {
    if (index % 2 === 0) return { kind: 'answer', status: 404 };
    return events.length > 0 ? accept : problem(422, 'invalid_event');
  });
  const { docket, failures } = docketFor(gateway);
  const outcomes = await recordMany(docket, 5);
  expect(await docket.flush()).toEqual({ ok: true });
  expect(gateway.taken).toEqual(outcomes.map(({ id }) => id));
  expect(failures.filter(({ reason }) => reason === 'refused')).toEqual([]);
});

test('a key without the scope loses nothing, and is not tried for each event', async () => {
  const detail = 'The key lacks the scope events:write.';
  const gateway = await gatewayThat((index) => (index === 0 ? problem(403, 'insufficient_scope', { detail }) : accept));
  const { docket } = docketFor(gateway);
  const outcomes = await recordMany(docket, 3);
  expect(await docket.flush()).toEqual({ ok: true });
  expect(gateway.taken).toEqual(outcomes.map(({ id }) => id));
  expect(gateway.requests).toHaveLength(2);
});

test.each([
  ...[200, 204, 302, 400, 401, 403, 404, 405, 407, 415, 421, 451].map((status) => ({ status, body: undefined })),
  { status: 400, body: { code: 'BAD_REQUEST' } },
  { status: 403, body: { type: 'about:blank', code: 'blocked' } },
  { status: 403, body: { code: 'insufficient_scope' } },
])(
  'something in between that answers $status $body to everything takes no event out of the spool',
  async ({ status, body }) => {
    let isInBetween = true;
    const gateway = await gatewayThat(() => (isInBetween ? { kind: 'answer', status, body } : accept));
    const { docket, failures } = docketFor(gateway);
    const outcomes = await recordMany(docket, 5);
    expect(await docket.recordNow({ action: 'a', actor })).toMatchObject({ ok: false, reason: 'misconfigured' });
    expect(new Set(failures.map(({ reason }) => reason))).toEqual(new Set(['misconfigured']));
    isInBetween = false;
    expect(await docket.flush()).toEqual({ ok: true });
    expect(gateway.taken.slice(0, 5)).toEqual(outcomes.map(({ id }) => id));
    expect(docket.stats()).toMatchObject({ accepted: 6, refused: 0 });
  },
);

test('a key that is revoked loses nothing that something in between dislikes at the same time', async () => {
  let isRevoked = true;
  const gateway = await gatewayThat((_index, { events }) => {
    if (!isRevoked) return accept;
    return events.length > 0 ? { kind: 'answer', status: 403 } : problem(401, 'unauthenticated');
  });
  const { docket, failures } = docketFor(gateway);
  const outcomes = await recordMany(docket, 5);
  expect(await docket.recordNow({ action: 'a', actor })).toMatchObject({ ok: false, reason: 'misconfigured' });
  isRevoked = false;
  expect(await docket.flush()).toEqual({ ok: true });
  expect(gateway.taken.slice(0, 5)).toEqual(outcomes.map(({ id }) => id));
  expect(failures.filter(({ reason }) => reason === 'refused')).toEqual([]);
});

test('something in between that takes no compressed body takes no event out of the spool', async () => {
  let isInBetween = true;
  const gateway = await gatewayThat((_index, { headers, events }) => {
    if (isInBetween && headers['content-encoding'] === 'gzip') return { kind: 'answer', status: 415 };
    return events.length > 0 ? accept : problem(422, 'invalid_event');
  });
  const { docket, failures } = docketFor(gateway);
  const long = await docket.recordNow({ action: 'a', actor, metadata: { text: 'x'.repeat(2_000) } });
  expect(long).toMatchObject({ ok: false, reason: 'misconfigured' });
  isInBetween = false;
  expect(await docket.flush()).toEqual({ ok: true });
  expect(gateway.taken).toEqual([long.id]);
  expect(failures.filter(({ reason }) => reason === 'refused')).toEqual([]);
});

const dislikes: [string, Behaviour][] = [
  ['403', { kind: 'answer', status: 403 }],
  ['403 and a code of its own', { kind: 'answer', status: 403, body: { code: 'blocked' } }],
  ['200 and a page of its own', { kind: 'answer', status: 200, body: 'Request blocked' }],
  ['302', { kind: 'answer', status: 302, headers: { location: '/blocked' } }],
  ['405', { kind: 'answer', status: 405 }],
];

test.each(dislikes)('an event that something in between dislikes with %s goes alone', async (_what, dislike) => {
  const gateway = await gatewayThat((_index, { events }) => {
    if (events.some((event) => event.action === 'step.n5')) return dislike;
    return events.length > 0 ? accept : problem(422, 'invalid_event');
  });
  const { docket, failures } = docketFor(gateway);
  const outcomes = await recordMany(docket, 12);
  await docket.flush();
  const ids = outcomes.map(({ id }) => id);
  expect(gateway.taken).toEqual(ids.filter((_, i) => i !== 5));
  expect(failures).toEqual([
    { reason: 'refused', id: ids[5], detail: expect.stringMatching(/^HTTP (200|302|403|405)/) },
  ]);
});

test('a redirect is not followed: the key goes to no other host', async () => {
  const other = await gatewayThat(() => accept);
  const gateway = await gatewayThat(() => ({
    kind: 'answer',
    status: 307,
    headers: { location: `${other.url}/v1/events` },
  }));
  const { docket } = docketFor(gateway);
  expect(await docket.recordNow({ action: 'a', actor })).toMatchObject({ ok: false, reason: 'misconfigured' });
  expect(other.requests).toEqual([]);
});
