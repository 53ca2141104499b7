import type { World } from '@docket/testkit';
import type { Contender } from './drain.ts';

/** ClickHouse's own Kafka engine, with the settings that were its best here: plain columns, cast in the view, two consumers. */
export function kafkaEngine(world: World): Contender {
  return {
    name: 'kafka_engine',
    isExactlyOnce: false,
    countSql: 'SELECT count() AS n FROM peer_engine',
    start: async () => {
      const { clickhouse } = world;
      await clickhouse.command('CREATE TABLE peer_engine AS audit_events');
      await clickhouse.command(engineSql(world));
      await clickhouse.command(viewSql);
      return {
        pid: null,
        stop: async () => {
          await clickhouse.command('DROP VIEW peer_engine_view SYNC');
          await clickhouse.command('DROP TABLE peer_engine_queue SYNC');
        },
      };
    },
  };
}

function engineSql(world: World): string {
  const texts = ['id', 'tenant_id', 'action', 'operation', 'outcome', 'severity', 'description', 'outcome_reason'];
  const nested = [
    ...['type', 'id', 'name'].map((name) => `actor.${name}`),
    ...['ip', 'user_agent', 'country', 'session_id', 'request_id', 'trace_id'].map((name) => `context.${name}`),
    ...['service', 'version', 'instance'].map((name) => `source.${name}`),
  ];
  const columns = [
    ...[...texts, ...nested].map((name) => `\`${name}\` String`),
    'occurred_at Nullable(Int64)',
    'category Nullable(String)',
    '`actor.metadata` Map(String, String)',
    '`source.counter` Int64',
    'resources Array(Tuple(type String, id String, name String, metadata Map(String, String)))',
    'changes Array(Tuple(path String, old Nullable(String), new Nullable(String)))',
    'metadata Map(String, String)',
  ];
  return `CREATE TABLE peer_engine_queue (${columns.join(', ')}) ENGINE = Kafka
    SETTINGS kafka_broker_list = '${world.env['KAFKA_BROKERS']}', kafka_topic_list = '${world.kafka.topics.events.name}',
      kafka_group_name = '${world.prefix}engine', kafka_format = 'AvroConfluent', kafka_num_consumers = 2, kafka_thread_per_consumer = 1,
      kafka_max_block_size = 100000, kafka_flush_interval_ms = 500,
      format_avro_schema_registry_url = '${world.env['SCHEMA_REGISTRY_URL']}'`;
}

const viewSql = `CREATE MATERIALIZED VIEW peer_engine_view TO peer_engine AS SELECT
  tenant_id, toUUID(id) AS id, 'accepted' AS status,
  fromUnixTimestamp64Micro(ifNull(occurred_at, toUnixTimestamp64Micro(toDateTime64(_timestamp_ms, 6))), 'UTC') AS occurred_at, _timestamp_ms AS received_at,
  action, ifNull(category, '') AS category, operation, outcome, outcome_reason, severity,
  \`actor.type\` AS actor_type, \`actor.id\` AS actor_id, \`actor.name\` AS actor_name, \`actor.metadata\` AS actor_metadata,
  arrayMap(r -> r.1, resources) AS \`resources.type\`, arrayMap(r -> r.2, resources) AS \`resources.id\`,
  arrayMap(r -> r.3, resources) AS \`resources.name\`, arrayMap(r -> r.4, resources) AS \`resources.metadata\`,
  arrayMap(c -> c.1, changes) AS \`changes.path\`, arrayMap(c -> c.2, changes) AS \`changes.old\`, arrayMap(c -> c.3, changes) AS \`changes.new\`,
  description, \`context.ip\` AS ip, \`context.user_agent\` AS user_agent, \`context.country\` AS country, \`context.session_id\` AS session_id,
  \`context.request_id\` AS request_id, \`context.trace_id\` AS trace_id, \`source.service\` AS source_service, \`source.version\` AS source_version,
  \`source.instance\` AS source_instance, toUInt64(\`source.counter\`) AS source_counter, metadata,
  _partition AS src_partition, _offset AS src_offset
FROM peer_engine_queue`;
