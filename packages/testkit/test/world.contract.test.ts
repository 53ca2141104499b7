import { expect, test } from '@jest/globals';
import { checkTopics, fetchTopicOffsets } from '@docket/kafka';
import { createWorld, runKafkaTool } from '../src/index.ts';

test('a world is a migrated installation of its own, and close leaves nothing of it', async () => {
  const [world, other] = await Promise.all([createWorld({ partitions: 3 }), createWorld()]);
  try {
    expect(await checkTopics(world.kafka)).toMatchObject({ generation: 1, partitions: 3 });
    expect(await world.registry.subjectIds(`${world.prefix}events-value`)).toHaveLength(1);
    expect(await world.clickhouse.query('SELECT count() AS rows FROM audit_events')).toEqual([{ rows: 0 }]);
    expect(other.prefix).not.toBe(world.prefix);
    expect(other.database).not.toBe(world.database);
    expect(world.env).toMatchObject({ KAFKA_TOPIC_PREFIX: world.prefix, CLICKHOUSE_DATABASE: world.database });
  } finally {
    await Promise.all([world.close(), world.close(), other.close()]);
  }
  const listed = await runKafkaTool('TopicCommand', ['--bootstrap-server', world.env['KAFKA_BROKERS'] ?? '', '--list']);
  expect(listed).not.toContain(world.prefix);
}, 60_000);

test('a client that nobody here wrote can put records on a topic', async () => {
  const world = await createWorld({ partitions: 1 });
  try {
    const { name } = world.kafka.topics.events;
    const args = ['--bootstrap-server', world.env['KAFKA_BROKERS'] ?? '', '--topic', name];
    await runKafkaTool('ConsoleProducer', [...args, '--property', 'parse.key=true'], 'acme\tgarbage\n');
    expect(await fetchTopicOffsets(world.kafka, name)).toMatchObject([{ partition: 0 }]);
  } finally {
    await world.close();
  }
}, 60_000);
