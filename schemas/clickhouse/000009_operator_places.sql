-- Where the rows of a log lie in Kafka, for operators, as operator_records shows what else they see: of the log that a request
-- names, where the request is an operator's.
CREATE VIEW IF NOT EXISTS operator_places DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT tenant_id, seq, src_generation, src_partition, src_offset
FROM audit_events
WHERE tenant_id = getClientHTTPHeader('X-Docket-Tenant')
  AND getClientHTTPHeader('X-Docket-Operator') = 'yes'
SETTINGS allow_get_client_http_header = 1;
