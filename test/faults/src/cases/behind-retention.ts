import { fetchTopicOffsets } from '@docket/kafka';
import { eventually, runKafkaTool } from '@docket/testkit';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDeliveries, type Deliveries } from '../deliveries.ts';
import { expectThat, type FaultCase } from '../fault-case.ts';

const eventsEach = 2_000;
const storedDeadlineMs = 60_000;

/** Cursors that stand far behind what Kafka still holds. */
export const behindRetention: FaultCase = {
  name: 'behind-retention',
  promise: 'I6: what Kafka no longer holds is delivered from ClickHouse, and joins what it still holds without a seam',
  async run({ row, say }) {
    const deliveries = await createDeliveries({ tenants: 3 });
    const { world } = deliveries;
    const ingestor = await deliveries.startIngestor();
    const first = await deliveries.startDelivery();
    await deliveries.publish(10);
    await deliveries.untilDelivered('the first events');
    await first.stop();
    await deliveries.publish(eventsEach);
    const countSql = 'SELECT count() AS n FROM audit_events';
    await eventually(
      async () => ((await world.clickhouse.query<{ n: number }>(countSql))[0]?.n ?? 0) >= deliveries.published(),
      {
        what: 'the storing of all events',
        deadlineMs: storedDeadlineMs,
      },
    );
    const removed = await removeAll(deliveries);
    await deliveries.publish(50);
    const delivery = await deliveries.startDelivery();
    await deliveries.untilDelivered('what was removed from Kafka, and what came after it');
    await delivery.stop();
    await ingestor.stop();
    const outcome = await deliveries.finish(0);
    say(`${removed} records were gone from Kafka: ${outcome}`);
    row({
      fault: 'retention',
      target: 'cursors behind it',
      times: 1,
      figures: `${removed} records gone from Kafka; ${outcome}`,
    });
  },
};

/** Removes all records from the events topic, as retention would. */
async function removeAll({ world }: Deliveries): Promise<number> {
  const topic = world.kafka.topics.events.name;
  const ranges = await fetchTopicOffsets(world.kafka, topic);
  const partitions = ranges.map(({ partition, end }) => ({ topic, partition, offset: end }));
  const directory = await mkdtemp(join(tmpdir(), 'docket-retention-'));
  try {
    const file = join(directory, 'offsets.json');
    await writeFile(file, JSON.stringify({ version: 1, partitions }));
    await runKafkaTool('DeleteRecordsCommand', [
      '--bootstrap-server',
      world.env['KAFKA_BROKERS'] ?? '',
      '--offset-json-file',
      file,
    ]);
  } finally {
    await rm(directory, { recursive: true });
  }
  const removed = ranges.reduce((sum, { earliest, end }) => sum + end - earliest, 0);
  expectThat(removed >= eventsEach, `only ${removed} records were removed`);
  return removed;
}
