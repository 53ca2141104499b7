import { createEventDecoder, unframeAvro } from '@docket/event';
import type { AuditEvent } from '@docket/event';
import { macKeySettings, readTopic, recordMacOf } from '@docket/kafka';
import { readSettings } from '@docket/runtime';
import { auditEventAvro } from '@docket/schemas';
import type { World } from '@docket/testkit';

/** What is told in the logs of a world. Throws for an event that is not signed. */
export async function toldIn(world: World): Promise<AuditEvent[]> {
  const mac = recordMacOf(readSettings(macKeySettings, world.env));
  const decode = createEventDecoder(auditEventAvro);
  const told: AuditEvent[] = [];
  await readTopic(world.kafka, {
    topic: world.kafka.topics.events.name,
    onRecords: (records) => {
      for (const record of records) {
        const unframed = unframeAvro(record.value ?? Buffer.alloc(0));
        if (mac.check(record).kind !== 'valid' || !unframed.ok) throw new Error('a record that is no event of ours');
        told.push(decode(unframed.body));
      }
    },
  });
  return told;
}

/** How often each entity was written into the directory, such as `tenant:acme`, and how often that was told: equal, if every change is an event. */
export async function changesAndEvents(world: World): Promise<{ changes: object; events: object }> {
  const changes = new Map<string, number>();
  await readTopic(world.kafka, {
    topic: world.kafka.topics.directory.name,
    onRecords: (records) => {
      for (const { key } of records) {
        const name = String(key);
        if (/^(?:tenant|key|subscription):/.test(name)) count(changes, name);
      }
    },
  });
  const events = new Map<string, number>();
  for (const { resources } of await toldIn(world)) {
    const [first] = resources;
    if (first !== undefined) count(events, `${first.type === 'api_key' ? 'key' : first.type}:${first.id}`);
  }
  return { changes: sorted(changes), events: sorted(events) };
}

function count(of: Map<string, number>, name: string): void {
  of.set(name, (of.get(name) ?? 0) + 1);
}

function sorted(of: ReadonlyMap<string, number>): object {
  return Object.fromEntries([...of].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
