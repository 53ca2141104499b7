-- Analysts on a server whose users are made with SQL: the same as users.d/docket-analyst.xml, as a role. Safe to run twice.
-- clickhouse-client --multiquery < analysts.sql, as a user with access management; in the database docket.

CREATE SETTINGS PROFILE IF NOT EXISTS docket_analyst SETTINGS
  readonly = 2 CONST,
  allow_ddl = 0 CONST,
  optimize_functions_to_subcolumns = 0,
  max_execution_time = 60 MIN 0.001 MAX 300,
  max_memory_usage = 4000000000 MIN 1 MAX 4000000000,
  max_bytes_before_external_group_by = 1500000000,
  max_bytes_before_external_sort = 1500000000,
  max_rows_to_read = 5000000000 MIN 1 MAX 5000000000,
  max_result_rows = 1000000 MIN 1 MAX 1000000,
  max_result_bytes = 1000000000 MIN 1 MAX 1000000000,
  max_concurrent_queries_for_user = 8 CONST,
  priority = 2 CONST;

CREATE ROLE IF NOT EXISTS docket_analyst SETTINGS PROFILE 'docket_analyst';

-- The view reads with its reader's rights: so these are its columns, and no other column of the log.
GRANT SELECT ON docket.events TO docket_analyst;
GRANT SELECT(tenant_id, seq, id, status, occurred_at, received_at, action, category, operation, outcome, outcome_reason, severity, actor_type, actor_id, actor_name, actor_metadata, on_behalf_of_type, on_behalf_of_id, on_behalf_of_name, `resources.type`, `resources.id`, `resources.name`, `resources.metadata`, `changes.path`, `changes.old`, `changes.new`, description, ip, user_agent, country, session_id, request_id, trace_id, source_service, source_version, source_instance, metadata) ON docket.audit_events TO docket_analyst;

-- What the view shows, also for who asks the table: no record that could not be read.
CREATE ROW POLICY IF NOT EXISTS docket_analyst_events ON docket.audit_events
  FOR SELECT USING status IN ('accepted', 'conflict') TO docket_analyst;

CREATE QUOTA IF NOT EXISTS docket_analyst KEYED BY user_name
  FOR INTERVAL 1 hour MAX queries = 2000, errors = 500, read_rows = 500000000000, execution_time = 7200
  TO docket_analyst;

-- Analysts of one tenant, here acme: the same role, and a policy that restricts it further (permissive ones would add up).
CREATE ROLE IF NOT EXISTS docket_analyst_acme;
GRANT docket_analyst TO docket_analyst_acme;
CREATE ROW POLICY IF NOT EXISTS docket_analyst_acme_only ON docket.audit_events
  AS RESTRICTIVE FOR SELECT USING tenant_id = 'acme' TO docket_analyst_acme;

-- Then, for each of them:
-- CREATE USER jane IDENTIFIED WITH sha256_password BY '…' DEFAULT ROLE docket_analyst;
-- GRANT docket_analyst TO jane;
