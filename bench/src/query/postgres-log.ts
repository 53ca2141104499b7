import type { FilledLog } from './fill-log.ts';
import { slicesCount } from './log-plan.ts';
import type { PostgresServer } from './postgres-server.ts';

/** Unlogged: a crash may take the rows, and loading needs no WAL; reading them is the same. */
const table = `CREATE UNLOGGED TABLE audit_events (
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
  const wanted = await extentOfLog(log);
  if (found.rows[0]?.whole === true && (await extentOf(postgres)) === wanted) return;
  await postgres.pool.query('DROP TABLE IF EXISTS audit_events, audit_events_whole');
  await postgres.pool.query(table);
  const beganAtMs = performance.now();
  await twoAtOnce(await slicesOf(log), (slice) =>
    postgres.copy(`COPY audit_events (${columns}) FROM STDIN`, rowsOf(log, slice)),
  );
  const loadedAtMs = performance.now();
  await twoAtOnce(indexes, (statement) => postgres.pool.query(statement));
  await postgres.pool.query('VACUUM (ANALYZE) audit_events');
  const copied = await extentOf(postgres);
  if (copied !== wanted) throw new Error(`PostgreSQL has ${copied} in place of ${wanted}`);
  await postgres.pool.query('CREATE TABLE audit_events_whole ()');
  // A server that has much to write at its end is killed, and an unlogged table is empty then.
  await postgres.pool.query('CHECKPOINT');
  const secondsOf = (fromMs: number, toMs: number): number => Math.round((toMs - fromMs) / 1000);
  say(
    `PostgreSQL ${postgres.version} took ${log.rows} rows in ${secondsOf(beganAtMs, loadedAtMs)} s, ${indexes.length} indexes in ${secondsOf(loadedAtMs, performance.now())} s`,
  );
}

/** Each is the work of one process, and there are two cores. */
async function twoAtOnce<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items];
  const workOff = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all([workOff(), workOff()]);
}

/** How many rows and up to when, in µs: a log that was filled anew has other times. */
async function extentOf({ pool }: PostgresServer): Promise<string> {
  const sql =
    'SELECT count(*) AS n, (extract(epoch FROM max(occurred_at)) * 1000000)::bigint AS last FROM audit_events';
  const [found] = (await pool.query(sql)).rows;
  return `${found?.n} rows up to ${found?.last}`;
}

async function extentOfLog({ clickhouse }: FilledLog): Promise<string> {
  const [found] = await clickhouse.query<{ n: number; last: string }>(
    'SELECT count() AS n, toString(toUnixTimestamp64Micro(max(occurred_at))) AS last FROM audit_events',
  );
  return `${found?.n} rows up to ${found?.last}`;
}

interface Slice {
  readonly from: string;
  readonly to: string;
}

async function slicesOf({ clickhouse }: FilledLog): Promise<Slice[]> {
  const [bounds] = await clickhouse.query<{ from: string; before: string }>(
    'SELECT toString(min(occurred_at)) AS from, toString(max(occurred_at) + toIntervalSecond(1)) AS before FROM audit_events',
  );
  const from = Date.parse(`${bounds?.from ?? ''}Z`);
  const before = Date.parse(`${bounds?.before ?? ''}Z`);
  const timeOf = (slice: number): string =>
    new Date(from + ((before - from) * slice) / slicesCount).toISOString().replace('T', ' ').replace('Z', '');
  return Array.from({ length: slicesCount }, (_, slice) => ({
    from: timeOf(slice),
    to: slice === slicesCount - 1 ? '2100-01-01 00:00:00' : timeOf(slice + 1),
  }));
}

async function* rowsOf({ clickhouse }: FilledLog, slice: Slice): AsyncGenerator<Buffer> {
  yield await clickhouse.queryBytes(source, { ...slice }, { deadlineMs: loadDeadlineMs });
}
