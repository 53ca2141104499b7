-- What earlier generations of the topic leave to this one: the log's last seq there, and the offset from which on this
-- generation reads the log's partition. A log with head_seq = base_seq has no record in this generation yet.
-- Whoever writes a row of log_heads owns its partition (ingest_fence), and repeats what the row before said of these and of first_seq.
ALTER TABLE log_heads ADD COLUMN IF NOT EXISTS base_seq UInt64 DEFAULT 0;
ALTER TABLE log_heads ADD COLUMN IF NOT EXISTS base_offset UInt64 DEFAULT 0;
