import { encodeEvent, frameAvro, newEventId, parseEvent, partitionOf } from '@docket/event';
import { eventually, runKafkaProgram, runKafkaTool } from '@docket/testkit';
import { fileURLToPath } from 'node:url';
import { clickhouseRows } from './clickhouse-rows.ts';
import type { Env, Installation } from './installation.ts';
import { expectThat } from './report.ts';

/** From src/ and from dist/ alike. */
const javaProducer = fileURLToPath(new URL('../java/PutRecord.java', import.meta.url));
const defaultPartitions = 12;
/** A rebalance of the ingestor may lie between. */
const deadlineMs = 60_000;

interface Row {
  tenant_id: string;
  status: string;
  status_detail: string;
  src_partition: number;
}

/**
 * Puts on the topic what no producer of ours would, with Kafka's own tools and its own client: text that is no event under a
 * tenant's key, text without a key, a whole event without a key, and a whole event on a partition that is not its tenant's.
 */
export async function putForeignRecords(installation: Installation, tenantId: string): Promise<ForeignRecords> {
  const { env } = installation;
  const topic = `${env['KAFKA_TOPIC_PREFIX'] ?? 'audit.'}events`;
  const brokers = env['KAFKA_BROKERS'] ?? '';
  const partitions = Number(env['KAFKA_PARTITIONS'] ?? defaultPartitions);
  const schemaId = await registeredSchemaId(env, topic);
  const keyless = eventValue(tenantId, schemaId, 'foreign.without_key');
  const misplaced = eventValue(tenantId, schemaId, 'foreign.wrong_partition');
  const wrongPartition = (partitionOf(tenantId, partitions) + 1) % partitions;

  const console = ['--bootstrap-server', brokers, '--topic', topic];
  const keyed = ['--property', 'parse.key=true', '--property', 'key.separator=|'];
  await runKafkaTool('ConsoleProducer', [...console, ...keyed], `${tenantId}|this is no event\n`);
  await runKafkaTool('ConsoleProducer', console, 'neither key nor event\n');
  await runKafkaProgram(javaProducer, [brokers, topic, '-', '-', keyless.base64]);
  await runKafkaProgram(javaProducer, [brokers, topic, String(wrongPartition), tenantId, misplaced.base64]);
  return { tenantId, wrongPartition, reroutedIds: [keyless.id, misplaced.id] };
}

export interface ForeignRecords {
  tenantId: string;
  wrongPartition: number;
  /** Ids of the two whole events. */
  reroutedIds: readonly string[];
}

/** Waits until each of the four records has its row, and each rerouted event a second, accepted one in its tenant's log. */
export async function checkForeignRecords(env: Env, records: ForeignRecords): Promise<string> {
  const { tenantId, wrongPartition, reroutedIds } = records;
  const quarantined = await rowsWith(
    env,
    `status = 'quarantined' AND raw IN ('this is no event', 'neither key nor event')`,
    2,
  );
  const ofTenant = quarantined.find((row) => row.tenant_id === tenantId);
  const ofNobody = quarantined.find((row) => row.tenant_id === `!p${row.src_partition}`);
  expectThat(ofTenant !== undefined && ofNobody !== undefined, `quarantined rows are ${JSON.stringify(quarantined)}`);

  const ids = reroutedIds.map((id) => `'${id}'`).join(',');
  const rerouted = await rowsWith(env, `status = 'rerouted' AND id IN (${ids})`, 2);
  const isInStrayLog = rerouted.every((row) => row.tenant_id === `!p${row.src_partition}`);
  const hasWrongPartition = rerouted.some((row) => row.src_partition === wrongPartition);
  expectThat(isInStrayLog && hasWrongPartition, `rerouted rows are ${JSON.stringify(rerouted)}`);
  await rowsWith(env, `status = 'accepted' AND tenant_id = '${tenantId}' AND id IN (${ids})`, 2);
  return `2 quarantined (${ofTenant.status_detail.split(':')[0]}; one in ${tenantId}'s log, one in ${ofNobody.tenant_id}), 2 rerouted and accepted in ${tenantId}'s log`;
}

function rowsWith(env: Env, condition: string, count: number): Promise<Row[]> {
  const select = `SELECT tenant_id, status, status_detail, src_partition FROM audit_events WHERE ${condition}`;
  return eventually(
    async () => {
      const rows = await clickhouseRows<Row>(env, select);
      expectThat(rows.length <= count, `${rows.length} rows, not ${count}, where ${condition}`);
      return rows.length === count ? rows : undefined;
    },
    { what: `${count} rows where ${condition}`, deadlineMs },
  );
}

async function registeredSchemaId(env: Env, topic: string): Promise<number> {
  const response = await fetch(`${env['SCHEMA_REGISTRY_URL']}/subjects/${topic}-value/versions/latest`);
  const answer: { id: number } = JSON.parse(await response.text());
  return answer.id;
}

function eventValue(tenantId: string, schemaId: number, action: string): { id: string; base64: string } {
  const id = newEventId();
  const parsed = parseEvent(
    { id, tenant_id: tenantId, action, actor: { type: 'service', id: 'foreign' } },
    Date.now(),
    id,
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return { id, base64: frameAvro(schemaId, encodeEvent(parsed.event)).toString('base64') };
}
