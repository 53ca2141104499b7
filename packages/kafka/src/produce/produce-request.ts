/** A record batch for one partition, in the place of a message that kafkajs would encode. */
export interface BatchMessage {
  readonly partition: number;
  readonly value: Buffer;
  readonly isRecordBatch: true;
}

/** What kafkajs hands to the encoder of a produce request. */
export interface ProduceRequest {
  readonly acks: number;
  readonly timeout: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly messages: readonly object[] }[];
  }[];
}

/** Versions 3 to 7 of the request, which Kafka takes from 0.11 to 4, have one layout. */
export const produceVersions: readonly number[] = [3, 4, 5, 6, 7];

function isBatchMessage(message: object | undefined): message is BatchMessage {
  return message !== undefined && Reflect.get(message, 'isRecordBatch') === true;
}

/** Whether a request carries record batches. One that carries both is a bug. */
export function carriesBatches({ topicData }: ProduceRequest): boolean {
  const messages = topicData.flatMap(({ partitions }) => partitions.flatMap((partition) => partition.messages));
  const batches = messages.filter(isBatchMessage).length;
  if (batches > 0 && batches < messages.length) throw new TypeError('a produce request mixes batches and messages');
  return batches > 0;
}

/** Produce Request v3–v7: transactional_id acks timeout_ms [topic [partition records]]; no transaction. */
export function encodeProduceRequest({ acks, timeout, topicData }: ProduceRequest): Buffer {
  const parts: Buffer[] = [head(acks, timeout, topicData.length)];
  for (const { topic, partitions } of topicData) {
    parts.push(topicHead(topic, partitions.length));
    for (const { partition, messages } of partitions) {
      const [batch, ...others] = messages;
      if (!isBatchMessage(batch) || others.length > 0) throw new TypeError('a partition takes one batch a request');
      const prefix = Buffer.allocUnsafe(8);
      prefix.writeInt32BE(partition, 0);
      prefix.writeInt32BE(batch.value.length, 4);
      parts.push(prefix, batch.value);
    }
  }
  return Buffer.concat(parts);
}

function head(acks: number, timeoutMs: number, topics: number): Buffer {
  const bytes = Buffer.allocUnsafe(12);
  bytes.writeInt16BE(-1, 0);
  bytes.writeInt16BE(acks, 2);
  bytes.writeInt32BE(timeoutMs, 4);
  bytes.writeInt32BE(topics, 8);
  return bytes;
}

function topicHead(topic: string, partitions: number): Buffer {
  const name = Buffer.from(topic);
  const bytes = Buffer.allocUnsafe(2 + name.length + 4);
  bytes.writeInt16BE(name.length, 0);
  name.copy(bytes, 2);
  bytes.writeInt32BE(partitions, 2 + name.length);
  return bytes;
}
