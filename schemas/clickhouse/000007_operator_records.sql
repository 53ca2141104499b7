-- What operators see of records that are no tenant's event: why, and their bytes. The user of the query service has no right
-- to these columns of audit_events; here it sees those of the log that its request names, where the request is an operator's.
CREATE VIEW IF NOT EXISTS operator_records DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
  tenant_id,
  seq,
  id,
  status,
  status_detail,
  received_at,
  ingest_key_id,
  ingest_from,
  schema_id,
  src_generation,
  src_partition,
  src_offset,
  raw
FROM audit_events
WHERE status IN ('quarantined', 'rerouted', 'lost')
  AND tenant_id = getClientHTTPHeader('X-Docket-Tenant')
  AND getClientHTTPHeader('X-Docket-Operator') = 'yes'
SETTINGS allow_get_client_http_header = 1;
