import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTransactionalWriter, fetchCommits, fetchTopicOffsets } from '@docket/kafka';
import {
  createWorld,
  deleteRecords,
  eventInput,
  eventRecord,
  eventually,
  publishRecords,
  startService,
  type World,
} from '@docket/testkit';

let world: World;
beforeAll(async () => {
  world = await createWorld({ partitions: 1 });
}, 60_000);
afterAll(() => world.close(), 60_000);

async function storedSeqs(): Promise<number[]> {
  const rows = await world.clickhouse.query<{ seq: number }>('SELECT seq FROM audit_events ORDER BY seq');
  return rows.map(({ seq }) => seq);
}

async function untilStored(rows: number): Promise<void> {
  const areStored = async () => ((await storedSeqs()).length >= rows ? true : undefined);
  await eventually(areStored, { what: `${rows} rows`, deadlineMs: 60_000 });
}

test('I4: a partition whose last offsets were a transaction’s marker goes on when retention has taken all of it', async () => {
  const topic = world.kafka.topics.events.name;
  const eventOf = (description: string) => eventRecord(world, eventInput('acme', { description }));
  const writer = createTransactionalWriter(world.kafka, {
    transactionalId: `${world.prefix}test`,
    topic,
    onFenced: () => undefined,
  });
  const { value } = eventOf('in a transaction');
  expect(await writer.write([{ key: 'acme', value }])).toMatchObject({ ok: true });
  await writer.stop();
  const ingestor = await startService('ingestor', world.env);
  await untilStored(1);
  const isNoted = async () => {
    const commit = (await fetchCommits(world.kafka, `${world.prefix}ingestor`, topic)).get(0);
    return commit?.offset === 2 && commit.note.endsWith('empty-from=1') ? true : undefined;
  };
  await eventually(isNoted, { what: 'the note about the marker', deadlineMs: 20_000 });
  await ingestor.kill('SIGKILL');

  await deleteRecords(world, 0, 2);
  expect(await fetchTopicOffsets(world.kafka, topic)).toEqual([{ partition: 0, earliest: 2, end: 2 }]);
  const next = await startService('ingestor', world.env);
  await publishRecords(world, [eventOf('after it')]);
  await untilStored(2);
  expect(await storedSeqs()).toEqual([1, 2]);
  await next.stop();

  // A record that was removed before it was stored is a loss, whatever was noted earlier.
  await publishRecords(world, [eventOf('never read'), eventOf('behind it')]);
  await deleteRecords(world, 0, 4);
  const last = await startService('ingestor', world.env, { until: 'listening' });
  const stopped = async () => {
    const said = await (await fetch(`${last.url}/readyz`)).text();
    return said.includes('Kafka begins at 4') ? said : undefined;
  };
  expect(await eventually(stopped, { what: 'the stop', deadlineMs: 60_000 })).toContain('accept-loss');
  expect(await storedSeqs()).toEqual([1, 2]);
  await last.stop();
}, 180_000);
