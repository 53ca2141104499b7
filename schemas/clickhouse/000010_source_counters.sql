-- What is known of the running numbers (source.counter) of each source: all up to `high` have arrived, but for the gaps. Each partition's owner keeps
-- those of its tenants; the highest version counts, and counting the same records again changes nothing. A source that was silent for 90 days is
-- looked up in the log when it comes back.
CREATE TABLE IF NOT EXISTS source_counters (
  generation UInt16,
  partition UInt16,
  tenant_id String,
  service String,
  instance String,
  high UInt64,
  -- from, to, since when it shows (ms since the epoch), and the range that was told as missing, of which it is what is left; 0, 0: not told.
  gaps Array(Tuple(UInt64, UInt64, Int64, UInt64, UInt64)),
  -- Generation, offset up to which records were counted, and whether gaps were told at that offset.
  version UInt64,
  changed_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplacingMergeTree(version) ORDER BY (tenant_id, service, instance)
TTL toDateTime(changed_at) + INTERVAL 90 DAY;

-- Up to which offset the records of a partition have been counted: the maximum.
CREATE TABLE IF NOT EXISTS source_positions (
  generation UInt16,
  partition UInt16,
  through_offset UInt64
) ENGINE = ReplacingMergeTree(through_offset) ORDER BY (generation, partition);
