import { expect, test } from '@jest/globals';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contentHashOf, newEventId, parseEvent } from '@docket/event';
import { eventually } from '@docket/testkit';
import { type Docket, type EventInput, redactKeys } from '../src/index.ts';
import { accept, actor, createRecorders } from './recorders-for-tests.ts';
import { problem, type ReceivedEvent, type ScriptedGateway } from './scripted-gateway.ts';
import { useTemporaryFolder } from './spool/temporary-folder.ts';

const { gatewayThat, docketFor } = createRecorders();
const folderOf = useTemporaryFolder();

const ownEvent = (more: Partial<EventInput> = {}): EventInput => ({
  id: newEventId(),
  occurred_at: '2026-11-23T09:00:00.000Z',
  action: 'invoice.sent',
  actor,
  ...more,
});

const eventsOf = (gateway: ScriptedGateway): ReceivedEvent[] => gateway.requests.flatMap(({ events }) => events);
/** What the numbered events of a gateway are numbered with. */
const countersOf = (gateway: ScriptedGateway) =>
  eventsOf(gateway).flatMap(({ source }) => (source.counter === undefined ? [] : [source.counter]));

/** What the log tells a duplicate from a conflict by. */
function contentOf(event: ReceivedEvent): bigint {
  const parsed = parseEvent(event, Date.now(), newEventId());
  if (!parsed.ok) throw new Error('not an event');
  return contentHashOf(parsed.event);
}

test('an event recorded again with its own id and time is the same event, wherever it is kept', async () => {
  const gateway = await gatewayThat(() => accept);
  const event = ownEvent();
  // Both are open: each has a spool of its own. The third has none.
  const recorders = [docketFor(gateway), docketFor(gateway), docketFor(gateway, { spool: false })];
  for (const { docket } of recorders) expect(await docket.recordNow(event)).toMatchObject({ ok: true, id: event.id });
  const sent = eventsOf(gateway);
  expect(sent).toHaveLength(3);
  for (const { source } of sent) expect(source).toEqual({ service: 'test', version: '1', instance: 'one' });
  expect(new Set(sent.map(contentOf)).size).toBe(1);
});

test('it does not name the host on which it was recorded', async () => {
  const gateway = await gatewayThat(() => accept);
  const { docket } = docketFor(gateway, { source: { service: 'test' } });
  await docket.recordNow(ownEvent());
  expect(eventsOf(gateway)[0]?.source).toEqual({ service: 'test' });
});

test('without a time of its own it is of when it was recorded, not of when it was sent', async () => {
  const gateway = await gatewayThat(() => accept);
  const { docket } = docketFor(gateway);
  await docket.recordNow(ownEvent({ occurred_at: undefined }));
  expect(Math.abs(Date.parse(eventsOf(gateway)[0]?.occurred_at ?? '') - Date.now())).toBeLessThan(60_000);
});

const recordNumbered = (docket: Docket) => docket.recordNow({ action: 'a', actor });

test('it uses up no running number, whether it is kept, redacted, too large or refused', async () => {
  const gateway = await gatewayThat((_index, { events }) =>
    events.some(({ action }) => action === 'refused') ? problem(403, 'tenant_not_allowed') : accept,
  );
  const { docket } = docketFor(gateway, { batch: { bytesMax: 4000 }, redact: redactKeys(['secret']) });
  await recordNumbered(docket);
  expect(await docket.recordNow(ownEvent({ metadata: { secret: 1 } }))).toMatchObject({ ok: true });
  expect(await docket.record(ownEvent({ description: 'x'.repeat(3000) }))).toMatchObject({ reason: 'too_large' });
  expect(await docket.recordNow(ownEvent({ action: 'refused' }))).toMatchObject({ reason: 'refused' });
  await recordNumbered(docket);
  expect(countersOf(gateway)).toEqual([1, 2]);
});

test('it uses up no running number where there is no room for it', async () => {
  let isUp = false;
  const gateway = await gatewayThat(() => (isUp ? accept : { kind: 'answer', status: 503 }));
  const { docket } = docketFor(gateway, { spool: false, memory: { eventsMax: 1 } });
  await docket.record({ action: 'a', actor });
  expect(await docket.record(ownEvent())).toMatchObject({ reason: 'spool_full' });
  isUp = true;
  await docket.flush();
  await recordNumbered(docket);
  expect([...new Set(countersOf(gateway))]).toEqual([1, 2]);
});

test('it uses up no running number where it was kept, and none where it was moved to', async () => {
  let isUp = false;
  const gateway = await gatewayThat(() => (isUp ? accept : { kind: 'answer', status: 503 }));
  const dir = join(folderOf(), 'spools');
  await writeFile(dir, 'a file where a folder should be');
  const { docket } = docketFor(gateway, { spool: { dir } });
  for (const event of [{ action: 'a', actor }, ownEvent(), { action: 'a', actor }])
    expect(await docket.record(event)).toMatchObject({ kept: 'memory' });
  await rm(dir);
  await eventually(() => docket.stats().keptOn === 'disk', { what: 'the return to the disk' });
  isUp = true;
  for (const event of [ownEvent(), { action: 'a', actor }, ownEvent(), { action: 'a', actor }])
    expect(await docket.record(event)).toMatchObject({ kept: 'disk' });
  await docket.flush();
  const sources = [...new Map(eventsOf(gateway).map(({ id, source }) => [id, source])).values()];
  expect(sources.map(({ counter }) => counter)).toEqual([1, undefined, 2, undefined, 1, undefined, 2]);
  expect(new Set(sources.map(({ instance }) => instance)).size).toBe(3);
});
