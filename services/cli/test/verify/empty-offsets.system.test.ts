import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newEventId } from '@docket/event';
import { createTransactionalWriter, fetchCommits, fetchTopicOffsets } from '@docket/kafka';
import {
  createWorld,
  deleteRecords,
  eventInput,
  eventRecord,
  eventually,
  runDocket,
  startService,
  type World,
} from '@docket/testkit';
import { alterRows } from '../operator-world.ts';

describe('a log that ends with offsets without data', () => {
  let world: World;

  beforeAll(async () => {
    world = await createWorld({ partitions: 1 });
    const { kafka } = world;
    const topic = kafka.topics.events.name;
    const writer = createTransactionalWriter(kafka, {
      transactionalId: `${topic}.test`,
      topic,
      onFenced: (error) => {
        throw error;
      },
    });
    const { key, value } = eventRecord(world, eventInput('acme', { id: newEventId() }));
    // The marker of a transaction takes the offset after the record.
    expect(await writer.write([{ key: String(key), value }])).toMatchObject({ ok: true });
    await writer.stop();
    const ingestor = await startService('ingestor', world.env);
    await eventually(
      async () => {
        const [range] = await fetchTopicOffsets(kafka, topic);
        const commit = (await fetchCommits(kafka, `${world.env['KAFKA_TOPIC_PREFIX']}ingestor`, topic)).get(0);
        return range?.end === 2 && commit?.offset === range.end;
      },
      { what: 'the commit behind the marker' },
    );
    await ingestor.stop();
  }, 120_000);
  afterAll(() => world.close(), 60_000);

  test('verify takes what the ingestor has passed for what it is', async () => {
    const { code, output } = await runDocket(['verify'], world.env);
    expect(output).toContain('OK 1 partitions, 1 logs, 1 rows checked');
    expect(code).toBe(0);
  }, 60_000);

  test('and still does when retention has removed all of it: nothing is lost', async () => {
    await deleteRecords(world, 0, 2);
    const verified = await runDocket(['verify'], world.env);
    expect(verified.output).toContain('OK 1 partitions, 1 logs, 1 rows checked');
    expect(verified.code).toBe(0);
    const accepted = await runDocket(['accept-loss'], world.env);
    expect(accepted.output).toContain('OK nothing is lost');
    expect(accepted.code).toBe(0);
  }, 60_000);

  test('and still finds that the newest row is missing', async () => {
    await alterRows(world, 'DELETE WHERE seq = 1');
    const { code, output } = await runDocket(['verify'], world.env);
    expect(output).toContain('FINDING behind_commit partition 0: rows up to offset 0 were stored');
    expect(code).toBe(1);
  }, 60_000);
});
