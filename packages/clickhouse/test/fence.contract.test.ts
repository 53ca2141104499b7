import { randomUUID } from 'node:crypto';
import { request, type ClientRequest } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventColumns, type EventRow } from '@docket/event';
import { claimPartitions, createBlock, killForeignInserts } from '../src/index.ts';
import { insertQueryId, insertSql } from '../src/insert-sql-mapper.ts';
import { createTestDatabase, eventRow, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
const generation = 1;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const claim = (owner: string, partitions: readonly number[], of = generation): Promise<Set<number>> =>
  claimPartitions(database.clickhouse, { generation: of, partitions, owner });

describe('claimPartitions', () => {
  test('the last claim owns; partitions and generations apart', async () => {
    const [first, second] = [randomUUID(), randomUUID()];
    expect(await claim(first, [0, 1])).toEqual(new Set([0, 1]));
    expect(await claim(second, [1])).toEqual(new Set([1]));
    expect(await claim(first, [1], 2)).toEqual(new Set([1]));
    const fence = await database.clickhouse.query(
      `SELECT generation, partition, argMax(owner, (epoch, owner)) AS owner, max(epoch) AS last_epoch FROM ingest_fence
       GROUP BY generation, partition ORDER BY generation, partition`,
    );
    expect(fence).toEqual([
      { generation: 1, partition: 0, owner: first, last_epoch: 1 },
      { generation: 1, partition: 1, owner: second, last_epoch: 2 },
      { generation: 2, partition: 1, owner: first, last_epoch: 1 },
    ]);
  });

  test('I2: of many at once one owns in the end, and it knows', async () => {
    const owners = Array.from({ length: 8 }, () => randomUUID());
    const claims = await Promise.all(owners.map(async (owner) => ({ owner, owned: await claim(owner, [5]) })));
    const [fence] = await database.clickhouse.query<{ owner: string }>(
      'SELECT argMax(owner, (epoch, owner)) AS owner FROM ingest_fence WHERE generation = 1 AND partition = 5',
    );
    const winner = claims.find(({ owner }) => owner === fence?.owner);
    expect(winner?.owned).toEqual(new Set([5]));
  });
});

describe('killForeignInserts', () => {
  test('has nothing to do when nothing runs', async () => {
    const outcome = await killForeignInserts(database.clickhouse, { generation, partitions: [0], owner: randomUUID() });
    expect(outcome).toEqual({ ok: true, killed: 0 });
  });

  test('I2: ends the stalled insert of an older owner, which then writes nothing; leaves others alone', async () => {
    const [stale, other, owner] = [randomUUID(), randomUUID(), randomUUID()];
    await claim(stale, [7]);
    await claim(other, [8]);
    const stalled = startInsert(7, stale);
    const unconcerned = startInsert(8, other, { trickle: true });
    await runningInserts(2);

    await claim(owner, [7]);
    const startedAtMs = performance.now();
    const outcome = await killForeignInserts(database.clickhouse, { generation, partitions: [7], owner });
    expect(outcome).toEqual({ ok: true, killed: 1 });
    expect(performance.now() - startedAtMs).toBeLessThan(15_000);
    expect(await runningInserts(1)).toEqual([expect.stringContaining(other)]);

    stalled.finish();
    unconcerned.finish();
    expect(await unconcerned.status).toBe(200);
    expect(await stalled.status).not.toBe(200);
    const rows = await database.clickhouse.query('SELECT src_partition FROM audit_events');
    expect(rows).toEqual([{ src_partition: 8 }]);
  }, 30_000);
});

interface StalledInsert {
  readonly status: Promise<number>;
  finish(): void;
}

/** An insert whose sender has stopped in the middle of its block: what a paused process leaves behind. */
function startInsert(partition: number, owner: string, { trickle = false } = {}): StalledInsert {
  const block = createBlock<EventRow>(eventColumns);
  block.append(eventRow({ src_partition: partition, description: 'x'.repeat(3_000_000) }));
  const body = Buffer.concat(block.chunks());
  const guard = { generation, owners: new Map([[partition, owner]]) };
  const { config } = database;
  const query = new URLSearchParams({
    database: config.clickhouseDatabase,
    query: insertSql('audit_events', block.columns, { guard, token: `${owner}/0` }),
    query_id: insertQueryId(guard, randomUUID()),
  });
  let sent = Math.floor(body.length / 2);
  // A byte now and then keeps the server's receive time-out (3 s in the ingest profile) from ending it.
  const trickling = setInterval(() => trickle && void sender?.write(body.subarray(sent, (sent += 1))), 250);
  let sender: ClientRequest | undefined;
  const status = new Promise<number>((resolve) => {
    sender = request(`${config.clickhouseUrl}/?${query.toString()}`, {
      method: 'POST',
      headers: { 'x-clickhouse-user': config.clickhouseUser, 'x-clickhouse-key': config.clickhousePassword },
    });
    sender.on('response', (response) => {
      response.resume();
      response.on('close', () => resolve(response.statusCode ?? 0));
    });
    sender.on('error', () => resolve(0));
    sender.write(body.subarray(0, sent));
  });
  return {
    status,
    finish() {
      clearInterval(trickling);
      sender?.end(body.subarray(sent));
    },
  };
}

/** Waits until this many guarded inserts run in the test's database, and names them. */
async function runningInserts(wanted: number): Promise<string[]> {
  const deadlineMs = performance.now() + 10_000;
  for (;;) {
    const rows = await database.clickhouse.query<{ query_id: string }>(
      "SELECT query_id FROM system.processes WHERE current_database = currentDatabase() AND startsWith(query_id, 'docket-insert/')",
    );
    if (rows.length === wanted) return rows.map((row) => row.query_id);
    if (performance.now() > deadlineMs) throw new Error(`${rows.length} inserts run, not ${wanted}`);
    await pause(20);
  }
}
