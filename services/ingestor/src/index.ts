export { createIngestorApp } from './app.ts';
export { settings as ingestorSettings, type Config as IngestorConfig } from './config.ts';
export { ingestorGroupOf, readKafkaRanges } from './kafka-ranges.ts';
export { isSameRecord, startAt, type KafkaRange, type StopReason } from './position-policy.ts';
