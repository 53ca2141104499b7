import type { FilledLog } from './fill-log.ts';
import { slicesCount } from './log-plan.ts';
import type { PostgresServer } from './postgres-server.ts';

const table = `CREATE TABLE audit_events (
  tenant_id text NOT NULL, seq bigint NOT NULL, id uuid NOT NULL, occurred_at timestamptz NOT NULL, received_at timestamptz NOT NULL,
  action text NOT NULL, category text, operation text, outcome text NOT NULL, outcome_reason text, severity text NOT NULL,
  actor_type text, actor_id text, actor_name text, on_behalf_of_type text, on_behalf_of_id text,
  resource_keys text[] NOT NULL, resources jsonb, changes jsonb, description text, ip inet, user_agent text, country text,
  session_id text, request_id text, trace_id text, service text, version text, instance text, metadata jsonb,
  words tsvector GENERATED ALWAYS AS (to_tsvector('simple', coalesce(action, '') || ' ' || coalesce(actor_name, '') || ' ' ||
    coalesce(actor_id, '') || ' ' || coalesce(resources::text, '') || ' ' || coalesce(description, ''))) STORED
)`;
const columns =
  'tenant_id, seq, id, occurred_at, received_at, action, category, operation, outcome, outcome_reason, severity, actor_type, actor_id, actor_name, on_behalf_of_type, on_behalf_of_id, resource_keys, resources, changes, description, ip, user_agent, country, session_id, request_id, trace_id, service, version, instance, metadata';

/** What a team would make that asks these questions. */
const indexes = [
  'CREATE UNIQUE INDEX ON audit_events (tenant_id, occurred_at DESC, id DESC)',
  'CREATE UNIQUE INDEX ON audit_events (tenant_id, seq)',
  'CREATE INDEX ON audit_events (tenant_id, id)',
  'CREATE INDEX ON audit_events (tenant_id, actor_id, occurred_at DESC, id DESC)',
  'CREATE INDEX ON audit_events (tenant_id, action, occurred_at DESC, id DESC)',
  'CREATE INDEX ON audit_events (action, outcome, occurred_at DESC)',
  'CREATE INDEX ON audit_events USING gin (words)',
  'CREATE INDEX ON audit_events USING gin (resource_keys)',
  'CREATE INDEX ON audit_events USING gin (metadata jsonb_path_ops)',
];

const array = (values: string): string =>
  `concat('{', arrayStringConcat(arrayMap(v -> concat('"', v, '"'), ${values}), ','), '}')`;
const source = `SELECT tenant_id, seq, id, occurred_at, received_at, action, category, operation, outcome, outcome_reason, severity,
  actor_type, actor_id, actor_name, on_behalf_of_type, on_behalf_of_id, ${array('resource_keys')},
  toJSONString(arrayMap((t, i, n) -> map('type', t, 'id', i, 'name', n), resources.type, resources.id, resources.name)),
  toJSONString(arrayMap((p, o, n) -> map('path', p, 'old', o, 'new', n), changes.path, changes.old, changes.new)),
  description, ip, user_agent, country, session_id, request_id, trace_id, source_service, source_version, source_instance,
  toJSONString(metadata)
FROM audit_events WHERE occurred_at >= {from:DateTime64(6, 'UTC')} AND occurred_at < {to:DateTime64(6, 'UTC')} FORMAT TSV`;
const loadDeadlineMs = 600_000;

/** The rows of a filled log in PostgreSQL, indexed, vacuumed and analysed. */
export async function copyLog(postgres: PostgresServer, log: FilledLog, say: (line: string) => void): Promise<void> {
  const found = await postgres.pool.query("SELECT to_regclass('audit_events_whole') IS NOT NULL AS whole");
  if (found.rows[0]?.whole === true && (await countOf(postgres)) === log.rows) return;
  await postgres.pool.query('DROP TABLE IF EXISTS audit_events, audit_events_whole');
  await postgres.pool.query(table);
  const beganAtMs = performance.now();
  await postgres.copy(`COPY audit_events (${columns}) FROM STDIN`, chunksOf(log));
  const loadedAtMs = performance.now();
  await makeIndexes(postgres);
  await postgres.pool.query('VACUUM (ANALYZE) audit_events');
  const copied = await countOf(postgres);
  if (copied !== log.rows) throw new Error(`PostgreSQL has ${copied} of ${log.rows} rows`);
  await postgres.pool.query('CREATE TABLE audit_events_whole ()');
  const secondsOf = (fromMs: number, toMs: number): number => Math.round((toMs - fromMs) / 1000);
  say(
    `PostgreSQL ${postgres.version} took ${log.rows} rows in ${secondsOf(beganAtMs, loadedAtMs)} s, ${indexes.length} indexes in ${secondsOf(loadedAtMs, performance.now())} s`,
  );
}

/** Two at once: each is built by one process, and there are two cores. */
async function makeIndexes({ pool }: PostgresServer): Promise<void> {
  const left = [...indexes];
  const make = async (): Promise<void> => {
    for (let statement = left.shift(); statement !== undefined; statement = left.shift()) await pool.query(statement);
  };
  await Promise.all([make(), make()]);
}

async function countOf(postgres: PostgresServer): Promise<number> {
  return Number((await postgres.pool.query('SELECT count(*) AS n FROM audit_events')).rows[0]?.n);
}

async function* chunksOf({ clickhouse }: FilledLog): AsyncGenerator<Buffer> {
  const [bounds] = await clickhouse.query<{ from: string; before: string }>(
    'SELECT toString(min(occurred_at)) AS from, toString(max(occurred_at) + toIntervalSecond(1)) AS before FROM audit_events',
  );
  const from = Date.parse(`${bounds?.from ?? ''}Z`);
  const before = Date.parse(`${bounds?.before ?? ''}Z`);
  const timeOf = (slice: number): string =>
    new Date(from + ((before - from) * slice) / slicesCount).toISOString().replace('T', ' ').replace('Z', '');
  for (let slice = 0; slice < slicesCount; slice += 1) {
    const params = { from: timeOf(slice), to: slice === slicesCount - 1 ? '2100-01-01 00:00:00' : timeOf(slice + 1) };
    yield await clickhouse.queryBytes(source, params, { deadlineMs: loadDeadlineMs });
  }
}
