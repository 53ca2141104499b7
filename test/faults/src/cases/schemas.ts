import { encodeEvent, frameAvro, newEventId, parseEvent } from '@docket/event';
import { createPublisher, valueSubjectOf, type AvroRecordSchema } from '@docket/kafka';
import { auditEventAvro } from '@docket/schemas';
import { eventInput, eventually, type ServiceProcess, type World } from '@docket/testkit';
import { createDrain, type Drain } from '../drain.ts';
import { expectThat, type FaultCase, type FaultContext } from '../fault-case.ts';
import { putForeignRecords } from '../foreign-records.ts';
import { metricOf, startIngestor } from '../ingestor.ts';

const recordsOfStep = 500;
/** No registry gives so many. */
const unknownId = 999_999;
/** The ingestor asks for 30 s; two cores may be busy. */
const quarantinedDeadlineMs = 90_000;

/** Schemas and producers that the ingestor did not know when it started. */
export const schemas: FaultCase = {
  name: 'schemas',
  promise:
    'I2: new schema versions flow without a restart, unknown ones wait and are quarantined, and only their partition waits',
  async run(context) {
    const drain = await createDrain();
    const ingestor = await startIngestor(drain);
    await drain.publish(recordsOfStep);
    await drain.untilStored(drain.published(), 'what the first version wrote');
    await newVersion(context, drain);
    const unknown = await unknownSchema(context, drain, ingestor);
    await registryAway(context, drain, ingestor);
    const tombstones = await foreignProducers(context, drain);
    await drain.untilStored(drain.published(), 'the end of the drain');
    await ingestor.stop();
    const figures = await drain.finish({ bad: unknown + tombstones });
    context.row({ fault: 'one ingestor for all of it', target: 'schemas: afterwards', times: 1, figures });
  },
};

/** Version `n` of our schema: one more field, with a default. */
async function registerVersion(world: World, n: number): Promise<number> {
  const { events } = world.kafka.topics;
  const added = Array.from({ length: n - 1 }, (_, index) => ({
    name: `added_${index + 2}`,
    type: ['null', 'string'],
    default: null,
  }));
  const schema: AvroRecordSchema = { ...auditEventAvro, fields: [...auditEventAvro.fields, ...added] };
  return world.registry.register(valueSubjectOf(events.name), schema);
}

/** What a producer with `fieldsAdded` more fields writes; each of them holds a text. */
function valueOf(tenant: string, schemaId: number, fieldsAdded: number): Buffer {
  const parsed = parseEvent(eventInput(tenant, { description: `of schema ${schemaId}` }), Date.now(), newEventId());
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  const text = Buffer.from('new');
  const field = Buffer.concat([Buffer.from([2, 2 * text.length]), text]);
  const added = Array.from({ length: fieldsAdded }, () => field);
  return frameAvro(schemaId, Buffer.concat([encodeEvent(parsed.event), ...added]));
}

async function publishValues(drain: Drain, values: readonly { key: string; value: Buffer }[]): Promise<void> {
  const { kafka } = drain.world;
  const publisher = createPublisher(kafka);
  await publisher.start();
  const outcomes = await publisher.publish(kafka.topics.events.name, values);
  await publisher.stop();
  expectThat(
    outcomes.every(({ ok }) => ok),
    'a record was not acknowledged',
  );
  drain.note(values.length);
}

const ofTenants = (schemaId: number, fieldsAdded: number) =>
  Array.from({ length: recordsOfStep }, (_, n) => ({
    key: `tenant-${n % 40}`,
    value: valueOf(`tenant-${n % 40}`, schemaId, fieldsAdded),
  }));

async function newVersion({ say, row }: FaultContext, drain: Drain): Promise<void> {
  const id = await registerVersion(drain.world, 2);
  await publishValues(drain, ofTenants(id, 1));
  const ms = await drain.untilStored(drain.published(), 'what the second version wrote');
  const figures = `${recordsOfStep} records of schema ${id} stored after ${(ms / 1000).toFixed(1)} s, no restart`;
  say(figures);
  row({ fault: 'schema version 2', target: 'registered while it runs', times: 1, figures });
}

/** One tenant writes with an id that nobody knows. Gives how many records of it there are. */
async function unknownSchema({ say, row }: FaultContext, drain: Drain, ingestor: ServiceProcess): Promise<number> {
  const before = await drain.stored();
  const beganAtMs = performance.now();
  await publishValues(drain, [{ key: 'stranger', value: valueOf('stranger', unknownId, 3) }]);
  await eventually(async () => (await metricOf(ingestor, 'docket_ingestor_schema_waits')) === 1, {
    what: 'docket_ingestor_schema_waits 1',
  });
  await drain.publish(recordsOfStep);
  // The stranger's partition is one of four.
  const ofOthersMs = await drain.untilStored(before + recordsOfStep / 2, 'the rows of the other partitions', 20_000);
  await drain.untilStored(drain.published(), 'the row of the stranger', quarantinedDeadlineMs);
  const quarantinedMs = performance.now() - beganAtMs;
  const [found] = await drain.world.clickhouse.query<{ detail: string }>(
    "SELECT status_detail AS detail FROM audit_events WHERE tenant_id = 'stranger' AND status = 'quarantined'",
  );
  expectThat(found?.detail.startsWith('unknown_schema') === true, `the stranger's row says ${found?.detail}`);
  const figures = `quarantined after ${(quarantinedMs / 1000).toFixed(0)} s ("${found.detail}"); schema_waits 1; other partitions stored after ${(ofOthersMs / 1000).toFixed(1)} s`;
  say(figures);
  row({ fault: 'schema id that is unknown', target: 'one partition of four', times: 1, figures });
  return 1;
}

async function registryAway({ say, row, stack }: FaultContext, drain: Drain, ingestor: ServiceProcess): Promise<void> {
  const id = await registerVersion(drain.world, 3);
  await stack.registry.kill('SIGKILL');
  const before = await drain.stored();
  await drain.publish(recordsOfStep);
  const knownMs = await drain.untilStored(before + recordsOfStep, 'what the known version wrote', 20_000);
  await publishValues(drain, [{ key: 'early', value: valueOf('early', id, 2) }]);
  const stalled = await eventually(
    async () => {
      const waits = await metricOf(ingestor, 'docket_ingestor_schema_waits');
      const seconds = await metricOf(ingestor, 'docket_ingestor_stalled_seconds');
      // Longer than an id that the registry does not know would wait.
      return waits === 1 && seconds > 35 ? seconds : undefined;
    },
    { what: 'the waiting for the registry', deadlineMs: 60_000, intervalMs: 500 },
  );
  expectThat((await drain.stored()) === before + recordsOfStep, 'a record of an unknown version did not wait');
  await stack.registry.start();
  const ms = await drain.untilStored(drain.published(), 'what had waited for the registry');
  const figures = `known version stored after ${(knownMs / 1000).toFixed(1)} s; new version waited ${stalled.toFixed(0)} s (schema_waits 1, stalled_seconds), stored ${(ms / 1000).toFixed(1)} s after the start`;
  say(figures);
  row({ fault: 'down', target: 'schema registry', times: 1, figures });
}

async function foreignProducers({ say, row }: FaultContext, drain: Drain): Promise<number> {
  const { records, tombstones, aborted } = await putForeignRecords(drain.world);
  drain.note(records);
  const ms = await drain.untilStored(drain.published(), 'what the Java producer wrote');
  const figures = `${records} rows (${tombstones} tombstones quarantined), ${aborted} aborted records without a row, ${(ms / 1000).toFixed(1)} s`;
  say(figures);
  row({ fault: 'transactions, five codecs', target: 'Java producer', times: 20, figures });
  return tombstones;
}
