import { ownRecordOf, partitionOf } from '@docket/event';
import type { EventInput, RecordMac } from '@docket/event';
import type { BesideRecord } from '@docket/kafka';
import { DocketError } from '@docket/runtime';

/** The records of events of Docket's own, to be written in a transaction. */
export interface EventRecords {
  /** Each on the partition of its log. Throws not_ready until it is known how events are written. */
  of(events: readonly EventInput[]): readonly BesideRecord[];
  /** The partition of a tenant's log, and of what delivery keeps of it. Throws not_ready. */
  partitionOf(tenantId: string): number;
}

export function createEventRecords(ports: {
  readonly eventsTopic: string;
  readonly mac: RecordMac;
  /** Of this version's schema; undefined until it has been found. */
  schemaId(): number | undefined;
  /** Of the events topic; undefined until it has been checked. */
  partitions(): number | undefined;
}): EventRecords {
  const { eventsTopic: topic, mac } = ports;
  const partitionOfTenant = (tenantId: string): number => partitionOf(tenantId, known(ports.partitions()));
  return {
    of: (events) => {
      if (events.length === 0) return [];
      const schemaId = known(ports.schemaId());
      return events.map((event) => ({
        topic,
        partition: partitionOfTenant(event.tenant_id),
        ...ownRecordOf(event, { schemaId, mac }),
      }));
    },
    partitionOf: partitionOfTenant,
  };
}

function known(value: number | undefined): number {
  if (value !== undefined) return value;
  throw new DocketError('not_ready', 'Topics and schema have not been checked yet; /readyz says what is missing.');
}
