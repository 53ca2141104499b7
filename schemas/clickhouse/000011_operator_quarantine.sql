-- What could not be read in any log, for operators who have to find it: of all logs at once, where a request says so. That is a
-- request of its own kind: whoever asks about one log sees nothing here, and who asks about all of them nothing else.
CREATE VIEW IF NOT EXISTS operator_quarantine DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
  tenant_id,
  seq,
  id,
  status_detail,
  received_at,
  schema_id,
  src_generation,
  src_partition,
  src_offset,
  raw
FROM audit_events
WHERE status = 'quarantined'
  AND getClientHTTPHeader('X-Docket-Operator') = 'all logs'
SETTINGS allow_get_client_http_header = 1;
