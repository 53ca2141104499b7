-- Who may insert the rows of a partition: its owner is argMax(owner, (epoch, owner)). Every block insert is guarded by it.
CREATE TABLE IF NOT EXISTS ingest_fence (
  generation UInt16,
  partition UInt16,
  epoch UInt64,
  owner UUID,
  claimed_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = MergeTree ORDER BY (generation, partition, epoch)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Where each log stood when its partition's owner last wrote it down: keeps seq and position when rows are cut by retention.
-- Heads and positions are the maximum over this table and the projection p_heads of audit_events.
CREATE TABLE IF NOT EXISTS log_heads (
  generation UInt16,
  partition UInt16,
  tenant_id String,
  first_seq UInt64,
  head_seq UInt64,
  head_offset UInt64,
  head_id UUID,
  head_received_at DateTime64(3, 'UTC')
) ENGINE = ReplacingMergeTree(head_seq) ORDER BY (generation, partition, tenant_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
