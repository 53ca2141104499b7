-- What has been applied here. Two runners at once may both record the same file; the checksums must then agree.
CREATE TABLE IF NOT EXISTS schema_migrations (
  version UInt32,
  name String,
  checksum FixedString(64),
  applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = MergeTree ORDER BY version
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
