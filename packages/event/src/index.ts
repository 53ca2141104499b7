export * from './audit-event.ts';
export {
  createEventCodec,
  createEventDecoder,
  encodeEvent,
  frameAvro,
  schemaIdOf,
  unframeAvro,
  type EventCodec,
  type Unframed,
} from './avro-codec.ts';
export { canonicalJson, isPlainObject } from './canonical-json.ts';
export {
  clearSink,
  createByteSink,
  lastEnd,
  putBigUInt64,
  putByte,
  putBytes,
  putInt64,
  putText,
  putUInt16,
  putUInt32,
  putUuid,
  putVarUInt,
  writtenBytes,
  type ByteSink,
} from './columns/byte-sink.ts';
export {
  createColumnLedger,
  type CodecLookup,
  type ColumnLedger,
  type ColumnLedgerStart,
} from './columns/column-ledger.ts';
export type { EventBlock } from './columns/event-appender.ts';
export { createEventRows, type EventRows } from './columns/event-rows.ts';
export { createRowReader, type RowReader } from './columns/row-reader.ts';
export type { WaitingRows } from './columns/withdraw-refused.ts';
export { contentHashOf } from './content-hash.ts';
export { encodeBodyQuickly, type QuickBody, type QuickLimits } from './quick-encode/quick-body.ts';
export type { QuickContext, QuickEvent } from './quick-encode/quick-event.ts';
export { createQuickReader, type QuickReader, type QuickReading } from './quick-read.ts';
export { putString } from './text/put-json.ts';
export {
  createDeliveryAttemptDecoder,
  deliveryOutcomes,
  encodeDeliveryAttempt,
  type DeliveryAttempt,
} from './delivery-attempt.ts';
export {
  createDuplicateWindow,
  windowRecords,
  type Candidate,
  type DuplicateWindow,
  type Verdict,
} from './duplicate-window.ts';
export { idFromIdempotencyKey, isEventId, newEventId, nilId } from './event-id.ts';
export {
  eventColumns,
  eventFromRow,
  rowOfEvent,
  rowOfRecord,
  type ColumnType,
  type EventColumn,
  type EventRow,
  type RowPlace,
  type StoredEventRow,
} from './event-row.ts';
export { eventFields, eventLists, type EventField, type EventList } from './field-table.ts';
export { isReserved, isStrayLog, isTenantId, logOf, partitionOf, strayLogOf } from './log-identity.ts';
export { keepUnknownFields, type KeptFields } from './keep-unknown-fields.ts';
export { membersByPath } from './members-by-path.ts';
export { nearestName } from './nearest-name.ts';
export { microsOfRfc3339, rfc3339OfMicros, rfc3339OfMillis } from './occurred-at.ts';
export { boundAsked, eventOfLogReading, type LogReading } from './log-reading.ts';
export { contextOfOrigin, cutUserAgent, operatorsLog, ownRecordOf, type RequestOrigin } from './own-event.ts';
export { checkEvent, parseEvent, readEventFields, tooLarge, type ParsedEvent } from './parse-event.ts';
export {
  createPartitionLedger,
  refusedRow,
  restoreWindow,
  type LedgerEntry,
  type LedgerStart,
  type PartitionLedger,
  type PlacedRow,
  type WindowEntry,
} from './partition-ledger.ts';
export { publicAttemptSchema, toPublicAttempt, type AttemptRow, type PublicAttempt } from './public-attempt.ts';
export { publicEventMembers, publicEventSchema } from './public-event-schema.ts';
export {
  eventStatuses,
  toPublicEvent,
  toWireEvent,
  type EventStatus,
  type PublicEvent,
  type StoredAs,
} from './public-event.ts';
export {
  readRecord,
  rejectHeader,
  type DecoderLookup,
  type LogRecord,
  type QuarantineReason,
  type Reading,
  type ReadingRules,
} from './read-record.ts';
export { createRecordMac, macHeader, macKeyBytes, type MacVerdict, type RecordMac } from './record-mac.ts';
export { blockRange, ipv6Text, textsOfBlock } from './search/ip-block.ts';
export { compileSearch, type EventMatcher, type LoggedEvent } from './search/match-search.ts';
export { normaliseSearch } from './search/normalise-search.ts';
export { cutBytes, isWellFormed } from './text-limits.ts';
export { parseFilter } from './search/parse-filter.ts';
export { parseSearch, searchUnitsMax, type ParsedSearch } from './search/parse-search.ts';
export { printSearch } from './search/print-search.ts';
export {
  compileScoped,
  redriveOfKey,
  scopeSearch,
  shownOfField,
  statusesByDefault,
  type OwnEvents,
  type ScopedSearch,
  type SearchScope,
  type TypedId,
} from './search/scope-search.ts';
export {
  fieldDeclaration,
  isMetadataField,
  isResourceField,
  isValueField,
  listSearchFields,
  metadataKeyOf,
  searchFields,
  type FieldName,
  type MetadataField,
  type RangeField,
  type ResourceField,
  type ScalarField,
  type SearchFieldDeclaration,
  type ValueField,
} from './search/search-fields.ts';
export type { SearchError } from './search/search-scanner.ts';
export { tokensOf } from './search/search-text.ts';
export { every, nothing, type Search, type SearchTerm } from './search/search.ts';
export { termOf } from './search/term-of.ts';
export { timeRangeOf, type TimeRange } from './search/time-range.ts';
export type { TermContext, TermResult, WrittenValue } from './search/written-value.ts';
export { validateEvent, type FieldError } from './validate-event.ts';
