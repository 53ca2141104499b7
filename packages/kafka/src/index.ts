export { DeadlineError } from './deadline.ts';
export { dropTopics } from './drop-topics.ts';
export { createEventDecoders, type EventCodecs, type EventDecoders } from './event-decoders.ts';
export { type UnreadableBatch } from './fetch/fetched-part.ts';
export { createKafka, type KafkaClient } from './kafka-client.ts';
export { createPartitionConsumer } from './partition-consumer.ts';
export type {
  Assignment,
  PartitionBatch,
  PartitionConsumer,
  PartitionConsumerOptions,
  PositionJump,
  UnreadableFetch,
} from './partition-consumer-contract.ts';
export { findEventSchema } from './event-schema.ts';
export { macKeySettings, recordMacOf, type MacKeySettings } from './mac-keys.ts';
export { passedNoteOf, passedRangeOf, type PassedRange } from './passed-note-mapper.ts';
export { type PublishOutcome } from './publish-lanes.ts';
export { createPublisher, type Publisher, type PublisherOptions, type PublishRecord } from './publisher.ts';
export { readPartition, readRanges, readTopic, type OffsetRange, type ReadOptions } from './read-ranges.ts';
export {
  createSchemaRegistry,
  type AvroRecordSchema,
  type SchemaLookup,
  type SchemaRegistry,
} from './schema-registry.ts';
export {
  kafkaMigrateSettings,
  kafkaSettings,
  registrySettings,
  type KafkaSettings,
  type RegistrySettings,
} from './settings.ts';
export {
  fetchCommittedOffsets,
  fetchCommits,
  fetchHighWatermarks,
  fetchTopicOffsets,
  type Commit,
  type PartitionRange,
} from './topic-offsets.ts';
export { fetchTopicId } from './topic-id.ts';
export { checkTopics, ensureTopics } from './topic-setup.ts';
export { createTopicView, type TopicView, type TopicViewOptions } from './topic-view.ts';
export { topicsOf, valueSubjectOf, type TopicDeclaration, type Topics } from './topics.ts';
export { readTopology, recordTopology, type Topology } from './topology.ts';
export {
  createTransactionalWriter,
  type BesideRecord,
  type TransactionalRecord,
  type TransactionalWriter,
  type TransactionalWriterOptions,
  type WriteOutcome,
  type WriterFailure,
} from './transactional-writer.ts';
