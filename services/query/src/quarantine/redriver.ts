import {
  frameAvro,
  partitionOf,
  parseEvent,
  readRecord,
  type AuditEvent,
  type LogRecord,
  type RecordMac,
} from '@docket/event';
import { createEventDecoders, valueSubjectOf, type Publisher, type SchemaRegistry } from '@docket/kafka';
import { DocketError, parseJson, type Logger } from '@docket/runtime';
import type { OperatorRecordRow } from './quarantine-sql-mapper.ts';
import { eventOfReading } from './redrive-policy.ts';

/** A schema that the registry does not name within this is not known. */
const schemaDeadlineMs = 3_000;

/** What redriving a record needs beside ClickHouse. */
export interface Redriver {
  /** The event that a quarantined record's bytes are now; or why they are none. */
  read(row: OperatorRecordRow): Promise<{ readonly event: AuditEvent | null; readonly detail: string }>;
  /** Resolves when Kafka has the event (I1). Throws kafka_unavailable, overloaded, not_ready. */
  publish(tenantId: string, body: Buffer): Promise<void>;
}

interface RedriverPorts {
  readonly registry: SchemaRegistry;
  readonly publisher: Publisher;
  readonly eventsTopic: string;
  /** Undefined until they have been found. */
  readonly form: () => { readonly schemaId: number; readonly partitions: number } | undefined;
  readonly mac: RecordMac;
  readonly logger: Logger;
}

export function createRedriver(ports: RedriverPorts): Redriver {
  const { registry, publisher, eventsTopic, form, mac, logger } = ports;
  const decoders = createEventDecoders(registry, valueSubjectOf(eventsTopic), logger);

  function ready(): { readonly schemaId: number; readonly partitions: number } {
    const found = form();
    if (found === undefined) throw new DocketError('not_ready', 'Topics and schema have not been checked yet.');
    return found;
  }

  return {
    async read(row) {
      const { partitions } = ready();
      const record = recordOf(row, partitions);
      if (row.status_detail.startsWith('rejected: ')) return rejectedEvent(row, record.value);
      await decoders.prepare([record], AbortSignal.timeout(schemaDeadlineMs)).catch(() => undefined);
      return eventOfReading(readRecord(record, { partitions, decoderOf: decoders.decoderOf, mac }));
    },
    async publish(tenantId, body) {
      const record = { key: tenantId, value: frameAvro(ready().schemaId, body) };
      const [outcome] = await publisher.publish(eventsTopic, [record]);
      if (outcome?.ok === true) return;
      const cause = outcome?.error;
      if (outcome?.reason === 'overloaded') throw new DocketError('overloaded', 'Too much waits for Kafka.', { cause });
      throw new DocketError('kafka_unavailable', 'Kafka did not acknowledge the event in time; redrive it again.', {
        cause,
      });
    },
  };
}

/** The record as it would be published in its log; what its headers were is not kept. */
function recordOf(row: OperatorRecordRow, partitions: number): LogRecord {
  const isTenants = !row.log.startsWith('!');
  const value = Buffer.from(row.raw_base64, 'base64');
  return {
    partition: isTenants ? partitionOf(row.log, partitions) : row.src_partition,
    offset: row.src_offset,
    timestampMs: row.received_at_ms,
    key: isTenants ? Buffer.from(row.log) : null,
    value: value.length === 0 ? null : value,
    headers: {},
  };
}

/** What the gateway refused was JSON. */
function rejectedEvent(
  { received_at_ms: receivedAtMs, id, status_detail: refusal }: OperatorRecordRow,
  value: Buffer | null,
): { readonly event: AuditEvent | null; readonly detail: string } {
  try {
    const parsed = parseEvent(parseJson(value ?? Buffer.alloc(0)), receivedAtMs, id);
    return parsed.ok ? { event: parsed.event, detail: '' } : { event: null, detail: refusal };
  } catch {
    return { event: null, detail: refusal };
  }
}
