-- The log: one row for every committed data record (I2). tenant_id is the row's log: a tenant, or !p<partition>.
-- Partitioned by the received month, so that one insert is one part and atomic whatever the events' dates.
-- Plain strings: a merge of LowCardinality columns costs twice as much and saves no disk. Blocks become compact parts (a fifth of
-- the files), and ten parts are merged at once (docs/decisions/0015).
-- MergeTree and not Replacing: a re-sent id must never overwrite history. No TTL: it would take heads and positions with it.
CREATE TABLE IF NOT EXISTS audit_events (
  tenant_id String CODEC(ZSTD(1)),
  seq UInt64 CODEC(Delta(8), ZSTD(1)),
  id UUID,
  status Enum8('accepted' = 1, 'duplicate' = 2, 'conflict' = 3, 'quarantined' = 4, 'rerouted' = 5, 'lost' = 6),
  status_detail String,
  occurred_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
  received_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  action LowCardinality(String),
  category String,
  operation String,
  outcome String,
  outcome_reason String,
  severity String,
  actor_type String,
  actor_id String,
  actor_name String,
  actor_metadata Map(String, String),
  on_behalf_of_type String,
  on_behalf_of_id String,
  on_behalf_of_name String,
  resources Nested(type String, id String, name String, metadata Map(String, String)),
  changes Nested(path String, old Nullable(String), new Nullable(String)),
  description String,
  ip String,
  user_agent String,
  country String,
  session_id String,
  request_id String,
  trace_id String,
  source_service String,
  source_version String,
  source_instance String,
  source_counter UInt64 CODEC(Delta(8), ZSTD(1)),
  ingest_key_id String,
  ingest_from String,
  metadata Map(String, String),
  commitment_seed FixedString(16),
  schema_id UInt32,
  -- 64 bits over what the producer said: tells a duplicate from a conflict when the window is refilled.
  content_hash UInt64,
  src_generation UInt16,
  src_partition UInt16,
  src_offset UInt64 CODEC(Delta(8), ZSTD(1)),
  -- The bytes of quarantined records only.
  raw String CODEC(ZSTD(3)),
  resource_keys Array(String) ALIAS arrayMap((t, i) -> concat(t, ':', i), resources.type, resources.id),
  metadata_items Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(metadata), mapValues(metadata)),
  trace_keys Array(String) ALIAS [session_id, request_id, trace_id],
  search_text String ALIAS lower(concatWithSeparator(' ', action, actor_name, actor_id, arrayStringConcat(resources.name, ' '), arrayStringConcat(resources.id, ' '), description)),
  INDEX i_seq seq TYPE minmax GRANULARITY 1,
  INDEX i_offset src_offset TYPE minmax GRANULARITY 1,
  INDEX i_received received_at TYPE minmax GRANULARITY 1,
  INDEX i_id id TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX i_actor actor_id TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX i_behalf on_behalf_of_id TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX i_action action TYPE set(256) GRANULARITY 1,
  INDEX i_resource resource_keys TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX i_metadata metadata_items TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX i_trace trace_keys TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX i_text lower(concatWithSeparator(' ', action, actor_name, actor_id, arrayStringConcat(resources.name, ' '), arrayStringConcat(resources.id, ' '), description)) TYPE text(tokenizer = 'splitByNonAlpha'),
  PROJECTION p_heads (
    SELECT src_generation, src_partition, tenant_id, max(seq), max(src_offset), count()
    GROUP BY src_generation, src_partition, tenant_id
  )
) ENGINE = MergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (tenant_id, occurred_at, id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1,
  min_bytes_for_wide_part = 268435456, merge_selector_base = 10;
