import { createPublisher } from '@docket/kafka';
import { eventually, startService, type World } from '@docket/testkit';
import { setTimeout as pause } from 'node:timers/promises';
import { createWorkload, recordOf } from '../ingest/workload.ts';
import type { FilledLog } from './fill-log.ts';
import { timesOf, type Times } from './measure.ts';
import { questions } from './questions.ts';
import type { Reader } from './reader.ts';
import type { Subjects } from './subjects.ts';

const readers = 20;
const eventsPerSecond = 5_000;
const liveTenants = 200;
/** What readers ask most, as often as it stands here. */
const asked = [
  'first_page',
  'first_page',
  'actor',
  'action',
  'full_text',
  'histogram_30_days',
  'facets',
  'feed_1000',
  'event_by_id',
];

export interface UnderLoad {
  readonly times: ReadonlyMap<string, Times>;
  readonly answersPerSecond: number;
  readonly ingestedPerSecond: number;
}

interface Load {
  readonly world: World;
  readonly log: FilledLog;
  readonly reader: Reader;
  readonly subjects: Subjects;
  readonly seconds: number;
}

/** Twenty readers, each asking as soon as it is answered, while the ingestor stores 5,000 events a second in the same table. */
export async function askUnderLoad({ world, log, reader, subjects, seconds }: Load): Promise<UnderLoad> {
  const ingestor = await startService('ingestor', { ...world.env, CLICKHOUSE_DATABASE: log.database });
  const publisher = createPublisher(world.kafka);
  await publisher.start();
  const next = createWorkload(liveTenants, 7);
  const topic = world.kafka.topics.events.name;
  const samples = new Map<string, number[]>();
  let sent = 0;
  const over = new AbortController();

  const publish = async (): Promise<void> => {
    const beganAtMs = performance.now();
    while (!over.signal.aborted) {
      const due = Math.floor(((performance.now() - beganAtMs) / 1000) * eventsPerSecond) - sent;
      sent += due;
      const records = Array.from({ length: due }, () => {
        const event = next();
        return recordOf(world, { ...event, tenant_id: `live-${event.tenant_id}` });
      });
      void publisher.publish(topic, records);
      await pause(20);
    }
  };
  const read = async (number: number): Promise<void> => {
    for (let turn = 0; !over.signal.aborted; turn += 1) {
      const question = questions.find(({ name }) => name === asked[(turn + number) % asked.length]);
      if (question === undefined) throw new Error('a question is missing');
      const beganAtMs = performance.now();
      await reader.get(question.path(subjects.any(turn * readers + number)), number);
      samples.set(question.name, [...(samples.get(question.name) ?? []), performance.now() - beganAtMs]);
    }
  };
  const stored = async (): Promise<number> =>
    (
      await log.clickhouse.query<{ n: number }>(
        "SELECT count() AS n FROM audit_events WHERE startsWith(tenant_id, 'live-')",
      )
    )[0]?.n ?? 0;

  const before = await stored();
  const beganAtMs = performance.now();
  const work = Promise.all([publish(), ...Array.from({ length: readers }, (_, number) => read(number))]);
  await Promise.race([pause(seconds * 1_000), work]);
  const ingested = (await stored()) - before;
  const elapsedSeconds = (performance.now() - beganAtMs) / 1_000;
  over.abort();
  await work;
  await eventually(async () => (await stored()) - before === sent, {
    what: 'every event is stored',
    deadlineMs: 60_000,
  });
  await publisher.stop();
  await ingestor.stop();
  // The log is again the one that was filled: the ingestor has also stored who read it.
  await log.clickhouse.command(
    "ALTER TABLE audit_events DELETE WHERE startsWith(tenant_id, 'live-') OR startsWith(action, 'docket.')",
    {},
    {
      settings: { mutations_sync: 1 },
      deadlineMs: 300_000,
    },
  );
  const answers = [...samples.values()].reduce((sum, { length }) => sum + length, 0);
  return {
    times: new Map([...samples].map(([name, times]) => [name, timesOf(times)])),
    answersPerSecond: answers / elapsedSeconds,
    ingestedPerSecond: ingested / elapsedSeconds,
  };
}
