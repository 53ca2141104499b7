import { ownRecordOf } from '@docket/event';
import type { EventInput, RecordMac } from '@docket/event';
import { findEventSchema } from '@docket/kafka';
import type { Publisher, SchemaRegistry } from '@docket/kafka';
import { DocketError } from '@docket/runtime';

/** Writes events of Docket's own, `docket.*`, into a tenant's log. */
export interface OwnEvents {
  /** Resolves when Kafka has it (I1). The same id twice is one event. Rejects with kafka_unavailable, schema_not_registered, registry_unavailable. */
  publish(event: EventInput & { readonly id: string; readonly tenant_id: string }): Promise<void>;
}

export function createOwnEvents(ports: {
  readonly publisher: Publisher;
  readonly registry: SchemaRegistry;
  readonly eventsTopic: string;
  readonly mac: RecordMac;
}): OwnEvents {
  const { publisher, registry, eventsTopic, mac } = ports;
  let schemaId: number | undefined;
  return {
    publish: async (event) => {
      schemaId ??= await findEventSchema(registry, eventsTopic);
      const [outcome] = await publisher.publish(eventsTopic, [ownRecordOf(event, { schemaId, mac })]);
      if (outcome?.ok !== true) {
        throw new DocketError('kafka_unavailable', 'Kafka did not confirm it in time.', { cause: outcome?.error });
      }
    },
  };
}
