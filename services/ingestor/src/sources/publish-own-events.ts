import { encodeEvent, frameAvro, newEventId, parseEvent, type EventInput, type RecordMac } from '@docket/event';
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
  const records = events.map((input) => {
    const parsed = parseEvent(input, Date.now(), newEventId());
    if (!parsed.ok) throw new TypeError(`an event of our own is invalid: ${JSON.stringify(parsed.errors)}`);
    const value = frameAvro(schemaId, encodeEvent(parsed.event));
    return { key: input.tenant_id, value, headers: mac.sign(input.tenant_id, value) };
  });
  const outcomes = await publisher.publish(eventsTopic, records);
  for (const outcome of outcomes) if (!outcome.ok) throw outcome.error;
}
