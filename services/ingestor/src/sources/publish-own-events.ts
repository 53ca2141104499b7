import { ownRecordOf, type EventInput, type RecordMac } from '@docket/event';
import { findEventSchema, type Publisher, type SchemaRegistry } from '@docket/kafka';

export interface OwnEventPorts {
  readonly publisher: Publisher;
  readonly registry: SchemaRegistry;
  readonly eventsTopic: string;
  readonly mac: RecordMac;
}

/** Publishes events of Docket's own, signed (decisions/0017). Rejects unless Kafka has acknowledged every one; some may be there then. */
export async function publishOwnEvents(ports: OwnEventPorts, events: readonly EventInput[]): Promise<void> {
  const { publisher, registry, eventsTopic, mac } = ports;
  const schemaId = await findEventSchema(registry, eventsTopic);
  const records = events.map((event) => ownRecordOf(event, { schemaId, mac }));
  const outcomes = await publisher.publish(eventsTopic, records);
  for (const outcome of outcomes) if (!outcome.ok) throw outcome.error;
}
