export { carryHeads } from './carry-heads.ts';
export {
  createClickHouse,
  type ClickHouse,
  type QueryParameters,
  type RequestOptions,
  type SendOutcome,
} from './clickhouse-client.ts';
export { ClickHouseError, isAnswerTooLarge, noAnswerCode, type FailureReason } from './error-policy.ts';
export {
  claimPartitions,
  closeGeneration,
  killForeignInserts,
  ownedPartitions,
  type Claim,
  type KillOutcome,
} from './fence.ts';
export { insertBlock, type BlockInsert, type InsertOutcome } from './insert-block.ts';
export type { Guard } from './insert-sql-mapper.ts';
export { migrate, pendingMigrations, type MigrationReport } from './migrate.ts';
export { createBlock, type Block, type BlockColumn } from './native/block.ts';
export {
  positionOf,
  readHeads,
  readStoredRecord,
  type LogHead,
  type PartitionHeads,
  type StoredRecord,
} from './read-heads.ts';
export {
  changesJsonSql,
  metadataForUsersSql,
  publicEventOfManySql,
  publicEventSettings,
  publicEventSql,
  resourcesJsonSql,
} from './public-event-sql.ts';
export { attemptSelection, readAttempts, type AttemptsOf } from './read-attempts.ts';
export { readLog, readLogBounds, type LogBounds, type LogRange } from './read-log.ts';
export { readLogTexts, type LogTextsRange, type StoredText } from './read-log-texts.ts';
export { readMatching, type Matching, type MatchingQuery } from './read-matching.ts';
export { readPlace, type RecordPlace } from './read-place.ts';
export { readReceivedAt } from './read-received-at.ts';
export { readFirstAt } from './read-first-at.ts';
export { readSeqAt } from './read-seq-at.ts';
export { readSeqBefore } from './read-seq-before.ts';
export { readWindow, type WindowOf } from './read-window.ts';
export { scopedConditions, searchSql, shownValueSql } from './search-sql-mapper.ts';
export { recordHeads } from './record-heads.ts';
export {
  clickhouseSettings,
  queryClickhouseConfig,
  queryClickhouseSettings,
  type ClickHouseConfig,
} from './settings.ts';
export {
  readCounted,
  readHighestBefore,
  readMissingEvents,
  readReceivedMs,
  readSeenSources,
  readUntoldSources,
  writeCounted,
  writeSources,
  type OffsetSpan,
  type SeenSource,
  type SourceRow,
} from './source-counters.ts';
export { createBinder, timeSql, type Binder, type Statement } from './statement-binder.ts';
export { storedEventOf, storedEventSelection, type StoredEventJson } from './stored-event-mapper.ts';
export type { WindowRow } from './window-row-mapper.ts';
