import { kafkaUnavailable } from './kafka-errors.ts';
import type { KafkaClient } from './kafka-client.ts';
import { createPublisher } from './publisher.ts';
import { readTopic } from './read-ranges.ts';

/** How the events topic is cut. seq rests on it, so it is recorded and never merely observed. */
export interface Topology {
  /** Raised when a topic with another partition count, or a recreated one, takes over; seq goes on. */
  readonly generation: number;
  readonly partitions: number;
}

/** The key of the record in the directory topic; no entity has an id without a `:` or `_`. */
const topologyKey = 'topology';

/** Reads the recorded topology; undefined when none is recorded. Rejects with `kafka_unavailable`. */
export async function readTopology(kafka: KafkaClient): Promise<Topology | undefined> {
  let text: string | undefined;
  await readTopic(kafka, {
    topic: kafka.topics.directory.name,
    onRecords: (records) => {
      for (const record of records) {
        if (record.key?.toString() === topologyKey) text = record.value?.toString();
      }
    },
  });
  return text === undefined ? undefined : parseTopology(text);
}

function parseTopology(text: string): Topology {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && 'generation' in value && 'partitions' in value) {
    const { generation, partitions } = value;
    if (Number.isSafeInteger(generation) && Number.isSafeInteger(partitions)) {
      return { generation: Number(generation), partitions: Number(partitions) };
    }
  }
  throw new TypeError(`the record ${topologyKey} of the directory topic is not {generation, partitions}`);
}

/** Records the topology: the last one recorded counts. Recording the same twice changes nothing. Rejects with `kafka_unavailable`. */
export async function recordTopology(kafka: KafkaClient, topology: Topology): Promise<void> {
  const publisher = createPublisher(kafka);
  await publisher.start();
  try {
    const [outcome] = await publisher.publish(kafka.topics.directory.name, [
      { key: topologyKey, value: Buffer.from(JSON.stringify(topology)), partition: 0 },
    ]);
    if (outcome === undefined || !outcome.ok) throw kafkaUnavailable('recording the partition count', outcome?.error);
  } finally {
    await publisher.stop();
  }
}
