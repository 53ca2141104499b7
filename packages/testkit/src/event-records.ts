import { encodeEvent, frameAvro, newEventId, parseEvent, type EventInput } from '@docket/event';
import { createPublisher, type PublishRecord } from '@docket/kafka';
import type { World } from './world.ts';

/** A small whole event of a tenant. */
export function eventInput(tenantId: string, changed: Partial<EventInput> = {}): EventInput {
  return {
    tenant_id: tenantId,
    action: 'document.read',
    actor: { type: 'user', id: 'u_1', name: 'Jane' },
    resources: [{ type: 'document', id: 'd_1', name: 'Plan' }],
    ...changed,
  };
}

/** Its record for the events topic, as our own producers write it. */
export function eventRecord(world: World, input: EventInput): PublishRecord {
  const parsed = parseEvent(input, Date.now(), newEventId());
  if (!parsed.ok) throw new Error(`the test's event is invalid: ${JSON.stringify(parsed.errors)}`);
  return { key: input.tenant_id, value: frameAvro(world.eventSchemaId, encodeEvent(parsed.event)) };
}

/** Publishes records to the events topic; rejects unless each is acknowledged. */
export async function publishRecords(world: World, records: readonly PublishRecord[]): Promise<void> {
  const publisher = createPublisher(world.kafka, { deadlineMs: 20_000 });
  await publisher.start();
  try {
    const outcomes = await publisher.publish(world.kafka.topics.events.name, records);
    const failed = outcomes.find((outcome) => !outcome.ok);
    if (failed !== undefined) throw new Error('a record was not acknowledged', { cause: failed });
  } finally {
    await publisher.stop();
  }
}
