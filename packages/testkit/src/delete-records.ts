import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runKafkaTool } from './kafka-console.ts';
import type { World } from './world.ts';

/** Does to the events of a partition what retention does, at once and by Kafka's own tool: what is before an offset goes, markers included. */
export async function deleteRecords({ kafka }: World, partition: number, beforeOffset: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'docket-delete-'));
  const file = join(folder, 'offsets.json');
  const partitions = [{ topic: kafka.topics.events.name, partition, offset: beforeOffset }];
  await writeFile(file, JSON.stringify({ partitions, version: 1 }));
  const brokers = kafka.settings.kafkaBrokers.join(',');
  await runKafkaTool('DeleteRecordsCommand', ['--bootstrap-server', brokers, '--offset-json-file', file]);
  await rm(folder, { recursive: true });
}
