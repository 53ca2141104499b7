-- What the query service has sent as exports, so that whoever has a file can check it: a row when an export begins and one when
-- it ends, which replaces it. It writes here, and nowhere else.
CREATE TABLE IF NOT EXISTS exports (
  tenant_id String,
  export_id UUID,
  key_id String,
  -- Of a viewer token; empty: a key.
  token_id String,
  format String,
  state Enum8('running' = 1, 'failed' = 2, 'complete' = 3),
  started_at DateTime64(3, 'UTC'),
  -- An export that has not ended by then never will: its process is gone.
  ends_by DateTime64(3, 'UTC'),
  -- 1970 while it runs.
  ended_at DateTime64(3, 'UTC'),
  -- Rows behind this seq came later and are not in it.
  through_seq UInt64,
  event_count UInt64,
  first_seq UInt64,
  last_seq UInt64,
  body_bytes UInt64,
  sha256 String
) ENGINE = ReplacingMergeTree(ended_at) ORDER BY (tenant_id, export_id)
TTL toDateTime(started_at) + INTERVAL 30 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Tickets that have been used. Two uses at once bring the same deduplication token, so that only the first has a row.
CREATE TABLE IF NOT EXISTS export_claims (
  ticket_id UUID,
  claim_id UUID,
  claimed_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = MergeTree ORDER BY ticket_id
TTL toDateTime(claimed_at) + INTERVAL 1 DAY
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
