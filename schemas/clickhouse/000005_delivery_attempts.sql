-- One row for every request to a receiver. Written at least once: the same attempt twice becomes one row when parts merge.
CREATE TABLE IF NOT EXISTS delivery_attempts (
  attempt_id UUID,
  tenant_id String CODEC(ZSTD(1)),
  subscription_id String CODEC(ZSTD(1)),
  -- The batch: seqs from_seq..to_seq of the tenant's log, of which event_count events were sent.
  from_seq UInt64 CODEC(Delta(8), ZSTD(1)),
  to_seq UInt64 CODEC(Delta(8), ZSTD(1)),
  event_count UInt32,
  body_bytes UInt32,
  -- Which try of the batch this was, from 1.
  try UInt32,
  started_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  duration_ms UInt32,
  outcome LowCardinality(String),
  http_status UInt16,
  error LowCardinality(String),
  answer_excerpt String
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(started_at)
ORDER BY (tenant_id, subscription_id, started_at, attempt_id)
TTL toDateTime(started_at) + INTERVAL 90 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
