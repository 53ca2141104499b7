import { newEventId } from '@docket/event';
import { createPublisher } from '@docket/kafka';
import { createWorld, eventInput, eventRecord, eventually, runDocket, type World } from '@docket/testkit';
import { expectThat } from './fault-case.ts';

/** A world whose producers and stored rows are counted. */
export interface Drain {
  readonly world: World;
  /** Whole events of 40 tenants, acknowledged by Kafka. */
  publish(records: number): Promise<void>;
  /** Records that Kafka has acknowledged and that must become exactly one accepted row each. */
  published(): number;
  /** Counts records that the test has produced by itself. */
  note(records: number): void;
  /** Rows that can be queried. */
  stored(): Promise<number>;
  /** Partition → the offset behind its last acknowledged record. */
  readonly ends: ReadonlyMap<number, number>;
  /** At least so many published records are not stored yet. */
  ensureWaiting(records: number): Promise<void>;
  /** Resolves with the time it took, in ms. */
  untilStored(rows: number, what: string, deadlineMs?: number): Promise<number>;
  /**
   * Every record has exactly one row, all but `bad` of them accepted, ids are unique among these, and `docket verify` finds
   * nothing; then the world is removed. Stop the ingestors first.
   */
  finish(expectation?: { readonly bad?: number }): Promise<string>;
}

const tenants = 40;
const publishedAtOnce = 2_000;
const pollMs = 25;

export async function createDrain(options: { readonly partitions?: number } = {}): Promise<Drain> {
  const world = await createWorld({ partitions: options.partitions ?? 4 });
  const ends = new Map<number, number>();
  let published = 0;

  const stored = async (): Promise<number> =>
    (await world.clickhouse.query<{ n: number }>('SELECT count() AS n FROM audit_events'))[0]?.n ?? 0;

  async function publish(records: number): Promise<void> {
    const publisher = createPublisher(world.kafka, { deadlineMs: 20_000 });
    await publisher.start();
    try {
      for (let sent = 0; sent < records; sent += publishedAtOnce) {
        const count = Math.min(publishedAtOnce, records - sent);
        const made = Array.from({ length: count }, (_, n) => {
          const tenant = `tenant-${(published + n) % tenants}`;
          const description = `event ${published + n} ${'x'.repeat(200)}`;
          return eventRecord(world, eventInput(tenant, { id: newEventId(), description }));
        });
        const outcomes = await publisher.publish(world.kafka.topics.events.name, made);
        for (const outcome of outcomes) {
          if (!outcome.ok) throw new Error('a record was not acknowledged', { cause: outcome.error });
          ends.set(outcome.partition, Math.max(outcome.offset + 1, ends.get(outcome.partition) ?? 0));
        }
        published += count;
      }
    } finally {
      await publisher.stop();
    }
  }

  async function untilStored(rows: number, what: string, deadlineMs = 120_000): Promise<number> {
    const beganAtMs = performance.now();
    await eventually(async () => (await stored()) >= rows, { what, deadlineMs, intervalMs: pollMs });
    return performance.now() - beganAtMs;
  }

  return {
    world,
    publish,
    stored,
    untilStored,
    ends,
    published: () => published,
    note: (records) => void (published += records),
    async ensureWaiting(records) {
      const missing = records - (published - (await stored()));
      if (missing > 0) await publish(missing);
    },
    async finish({ bad = 0 } = {}) {
      const [row] = await world.clickhouse.query<{ rows: number; accepted: number; ids: number }>(
        `SELECT count() AS rows, countIf(status = 'accepted') AS accepted, uniqExactIf(id, status = 'accepted') AS ids FROM audit_events`,
      );
      const { rows = 0, accepted = 0, ids = 0 } = row ?? {};
      const seen = `${published} records, ${rows} rows, ${ids} ids`;
      const isWhole = rows === published && accepted === published - bad && ids === accepted;
      expectThat(isWhole, `${seen}, ${accepted} accepted, ${bad} not to be`);
      const verified = await runDocket(['verify'], world.env);
      expectThat(verified.code === 0, `docket verify: exit ${verified.code}\n${verified.output}`);
      await world.close();
      return `${seen}; verify clean`;
    },
  };
}
