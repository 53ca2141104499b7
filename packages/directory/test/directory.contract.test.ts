import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createPublisher, createTransactionalWriter } from '@docket/kafka';
import type { KafkaClient } from '@docket/kafka';
import { DocketError } from '@docket/runtime';
import { createWorld, eventually } from '@docket/testkit';
import type { World } from '@docket/testkit';

import { createDirectoryView, createDirectoryWriter, createKeyUses } from '../src/index.ts';
import type { ApiKey, DirectoryView, DirectoryWriter, Tenant } from '../src/index.ts';

const deadlineMs = 30_000;

let world: World;
let kafka: KafkaClient;
const toStop: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  world = await createWorld();
  kafka = world.kafka;
}, 60_000);

afterAll(async () => {
  for (const running of toStop.toReversed()) await running.stop();
  await world.close();
}, 60_000);

async function startedView(): Promise<DirectoryView> {
  const view = createDirectoryView(kafka, {
    onCrash: (error) => {
      throw error;
    },
  });
  toStop.push(view);
  view.start();
  await view.waitUntilCaughtUp(deadlineMs);
  return view;
}

async function startedWriter(): Promise<{ writer: DirectoryWriter; view: DirectoryView; fenced: Promise<Error> }> {
  const view = await startedView();
  let onFenced: (error: Error) => void = () => undefined;
  const fenced = new Promise<Error>((resolve) => (onFenced = resolve));
  const writer = createDirectoryWriter(kafka, { view, onFenced, answerMsMax: 60_000 });
  toStop.push(writer);
  writer.start();
  await writer.change(() => ({ result: undefined }), alone);
  return { writer, view, fenced };
}

/** Nothing is written beside the change. */
const alone = () => [];

const tenant = (id: string, name = id): Tenant => ({
  version: 1,
  kind: 'tenant',
  id,
  name,
  created_at: '2026-01-01T00:00:00.000Z',
});

describe('the directory on Kafka', () => {
  test(
    'a change is in the writer’s own view when it resolves, in others soon, and in one that starts later before it is caught up',
    async () => {
      const { writer, view } = await startedWriter();
      const other = await startedView();
      await writer.change(() => ({ puts: [tenant('acme', 'Acme')], result: undefined }), alone);
      expect(view.tenant('acme')?.name).toBe('Acme');
      await other.refresh(deadlineMs);
      expect(other.tenant('acme')?.name).toBe('Acme');

      await writer.change(() => ({ puts: [tenant('acme', 'Acme Corp'), tenant('beta')], result: undefined }), alone);
      await writer.change(() => ({ removes: [{ kind: 'tenant', id: 'beta' }], result: undefined }), alone);
      const late = await startedView();
      expect(late.tenants()).toEqual([tenant('acme', 'Acme Corp')]);
    },
    4 * deadlineMs,
  );

  test(
    'decisions are made one at a time, each on the state that the one before left',
    async () => {
      const { writer } = await startedWriter();
      const claims = Array.from({ length: 20 }, (_, n) =>
        writer.change((directory) => {
          const taken = directory.tenant('contested') !== undefined;
          return { puts: taken ? [] : [tenant('contested', String(n))], result: !taken };
        }, alone),
      );
      expect((await Promise.all(claims)).filter(Boolean)).toEqual([true]);
    },
    2 * deadlineMs,
  );

  test(
    'a decision never rests on a directory from before a change that was made, though its maker gave up reading it back',
    async () => {
      const real = await startedView();
      let isBehind = false;
      const before = () => tenant('revoked', 'before');
      // A view whose consumer joins its group anew when the change is made.
      const view: DirectoryView = {
        ...real,
        tenant: (id) => (isBehind && id === 'revoked' ? before() : real.tenant(id)),
        waitUntilReached: async (endOffset, ms) => {
          await eventually(() => !isBehind, { what: 'the view', deadlineMs: ms });
          await real.waitUntilReached(endOffset, ms);
        },
      };
      const writer = createDirectoryWriter(kafka, { view, onFenced: () => undefined, answerMsMax: 60_000 });
      toStop.push(writer);
      await writer.change(() => ({ puts: [before()], result: undefined }), alone);
      const made = writer.change(() => {
        isBehind = true;
        return { puts: [tenant('revoked', 'after')], result: undefined };
      }, alone);
      const next = writer.change((directory) => ({ result: directory.tenant('revoked')?.name }), alone);
      await expect(made).rejects.toMatchObject({ code: 'kafka_unavailable' });
      isBehind = false;
      expect(await next).toBe('after');
    },
    2 * deadlineMs,
  );

  test(
    'a decision that throws writes nothing and lets the next one through',
    async () => {
      const { writer, view } = await startedWriter();
      const refused = writer.change(() => {
        throw new DocketError('conflict', 'taken');
      }, alone);
      await expect(refused).rejects.toMatchObject({ code: 'conflict' });
      await writer.change(() => ({ puts: [tenant('after')], result: undefined }), alone);
      expect(view.tenant('after')).toBeDefined();
    },
    2 * deadlineMs,
  );

  test(
    'records that are no directory record change nothing that is known, and stop neither readers nor the writer',
    async () => {
      const { writer, view } = await startedWriter();
      await writer.change(() => ({ puts: [tenant('sound')], result: undefined }), alone);
      const publisher = createPublisher(kafka);
      toStop.push(publisher);
      const garbled = [
        ['tenant:sound', '{"version":1,"kind":"tenant"'],
        ['tenant:sound', JSON.stringify({ ...tenant('sound', 'later'), version: 2 })],
        ['tenant:sound', '['.repeat(100_000)],
        ['key:0123456789abcdef', JSON.stringify({ version: 1, kind: 'key', id: '0123456789abcdef', scopes: 'admin' })],
        ['subscription:__proto__', '{"version":1,"kind":"subscription","id":"__proto__"}'],
        ['writer', 'null'],
        ['used:0123456789abcdef', '{"used_at":"never"}'],
        ['', ''],
        ['\ufffd\u0000:', '\u0000'],
      ].map(([key = '', value = '']) => ({ key, value: Buffer.from(value), partition: 0 }));
      const outcomes = await publisher.publish(kafka.topics.directory.name, garbled);
      expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
      await writer.change(() => ({ puts: [tenant('behind')], result: undefined }), alone);
      for (const reader of [view, await startedView()]) {
        await reader.refresh(deadlineMs);
        expect(reader.tenant('sound')?.name).toBe('sound');
        expect([reader.tenant('behind')?.name, reader.key('0123456789abcdef')]).toEqual(['behind', undefined]);
      }
    },
    2 * deadlineMs,
  );

  test(
    'a second writer fences the first, which hears of it without writing and never writes again',
    async () => {
      const first = await startedWriter();
      const second = await startedWriter();
      expect(await first.fenced).toMatchObject({ code: 'writer_fenced' });
      await expect(
        first.writer.change(() => ({ puts: [tenant('stale')], result: undefined }), alone),
      ).rejects.toMatchObject({
        code: 'writer_fenced',
      });
      await second.writer.change(() => ({ puts: [tenant('fresh')], result: undefined }), alone);
      expect(second.view.tenant('fresh')).toBeDefined();
      expect(second.view.tenant('stale')).toBeUndefined();
    },
    3 * deadlineMs,
  );

  test(
    'a writer that another fenced through Kafka alone learns it at its next write',
    async () => {
      const first = await startedWriter();
      const silent = createTransactionalWriter(kafka, {
        transactionalId: `${kafka.settings.kafkaTopicPrefix}admin`,
        topic: kafka.topics.directory.name,
        onFenced: () => undefined,
      });
      toStop.push(silent);
      expect(await silent.acquire()).toEqual({ ok: true });
      const late = first.writer.change(() => ({ puts: [tenant('late')], result: undefined }), alone);
      await expect(late).rejects.toMatchObject({ code: 'writer_fenced' });
      expect(await first.fenced).toMatchObject({ code: 'writer_fenced' });
      expect((await startedView()).tenant('late')).toBeUndefined();
    },
    3 * deadlineMs,
  );

  test(
    'a use of a key shows in every view, one record for many uses, also in one that starts after the key was written anew, and goes with the key',
    async () => {
      const id = '00000000000000aa';
      const key: ApiKey = {
        version: 1,
        kind: 'key',
        id,
        name: 'used',
        secret_sha256: 'a'.repeat(64),
        scopes: ['events:write'],
        tenants: '*',
        created_at: '2026-01-01T00:00:00.000Z',
      };
      const { writer, view } = await startedWriter();
      await writer.change(() => ({ puts: [key], result: undefined }), alone);
      const publisher = createPublisher(kafka);
      toStop.push(publisher);
      const told: number[] = [];
      const uses = createKeyUses(kafka, {
        everyMs: 20,
        publisher: {
          publish: (topic, records) => {
            told.push(records.length);
            return publisher.publish(topic, records);
          },
        },
      });
      for (let n = 0; n < 1_000; n += 1) uses.note(id, Date.parse('2026-02-01T00:00:00Z') + n);
      uses.start();
      const at = '2026-02-01T00:00:00.999Z';
      await eventually(() => view.keyUsedAt(id) === at, { what: 'the use in the view' });
      // A service that is a little late does not turn it back.
      uses.note(id, Date.parse('2026-01-31T00:00:00Z'));
      await uses.stop();
      expect(told).toEqual([1, 1]);
      await writer.change(() => ({ puts: [{ ...key, name: 'anew' }], result: undefined }), alone);
      expect((await startedView()).keyUsedAt(id)).toBe(at);
      await writer.change(() => ({ removes: [{ kind: 'key', id }], result: undefined }), alone);
      expect([view.keyUsedAt(id), (await startedView()).keyUsedAt(id)]).toEqual([undefined, undefined]);
    },
    3 * deadlineMs,
  );

  test(
    'what is broken on the topic is passed over',
    async () => {
      const publisher = createPublisher(kafka);
      toStop.push(publisher);
      await publisher.start();
      const outcomes = await publisher.publish(kafka.topics.directory.name, [
        { key: 'tenant:broken', value: Buffer.from('{'), partition: 0 },
        { key: 'policy:later', value: Buffer.from('{"version":9}'), partition: 0 },
        { key: 'tenant:whole', value: Buffer.from(JSON.stringify(tenant('whole'))), partition: 0 },
      ]);
      expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true]);
      const view = await startedView();
      expect(view.tenant('broken')).toBeUndefined();
      expect(view.tenant('whole')).toEqual(tenant('whole'));
    },
    2 * deadlineMs,
  );
});
