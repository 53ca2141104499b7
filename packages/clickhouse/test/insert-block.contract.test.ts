import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventColumns, type EventRow } from '@docket/event';
import {
  claimPartitions,
  createBlock,
  createClickHouse,
  insertBlock,
  type Block,
  type InsertOutcome,
} from '../src/index.ts';
import { createTestDatabase, eventRow, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
const generation = 1;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function claim(partition: number): Promise<string> {
  const owner = randomUUID();
  const owned = await claimPartitions(database.clickhouse, { generation, partitions: [partition], owner });
  expect(owned).toEqual(new Set([partition]));
  return owner;
}

function blockOf(rows: readonly Partial<EventRow>[]): Block<EventRow> {
  const block = createBlock<EventRow>(eventColumns);
  for (const row of rows) block.append(eventRow(row));
  return block;
}

function insert(
  block: Block<EventRow>,
  partition: number,
  owner: string,
  token = `${owner}/${randomUUID()}`,
): Promise<InsertOutcome> {
  const guard = { generation, owners: new Map([[partition, owner]]) };
  return insertBlock(database.clickhouse, { table: 'audit_events', block, guard, token });
}

async function countOf(partition: number): Promise<number> {
  const rows = await database.clickhouse.query<{ n: number }>(
    'SELECT count() AS n FROM audit_events WHERE src_partition = {partition:UInt16}',
    { partition },
  );
  return rows[0]?.n ?? -1;
}

const hostile = [
  '',
  'it\'s \\ "quoted" `x` {a:String} %00 ; -- /* */ \t\r\n',
  'NUL\u0000in\u0000side\u0000',
  'emoji 👩‍👩‍👧 ÄÖÜ \u202e rtl',
  'lone \ud800 surrogate \udc00',
  'x'.repeat(300 * 1024),
  '€'.repeat(100),
];

describe('every column', () => {
  test('comes back as it was sent, whatever it holds', async () => {
    const owner = await claim(0);
    const textColumns = eventColumns
      .filter(({ name, type }) => type === 'String' && name !== 'raw')
      .map(({ name }) => name);
    const rows = hostile.map((value, index) =>
      eventRow({
        ...Object.fromEntries(textColumns.map((name) => [name, value])),
        seq: index + 1,
        src_offset: index,
        occurred_at:
          [-1_000_001, 0, 1, Date.UTC(2255, 0, 1) * 1000, Date.UTC(1900, 0, 2) * 1000, 1_795_451_052_808_999, 7][
            index
          ] ?? 0,
        received_at: Date.UTC(2026, 10, 1) + index,
        status:
          (['accepted', 'duplicate', 'conflict', 'quarantined', 'rerouted', 'lost'] as const)[index] ?? 'accepted',
        actor_metadata: { [`k${value.slice(0, 10)}`]: value },
        metadata: index === 0 ? {} : { a: value, b: '' },
        'resources.type': index % 2 === 0 ? [] : [value, 'role'],
        'resources.id': index % 2 === 0 ? [] : [value, 'r'],
        'resources.name': index % 2 === 0 ? [] : ['', value],
        'resources.metadata': index % 2 === 0 ? [] : [{}, { x: value, y: 'z' }],
        'changes.path': [value, 'p', 'q'],
        'changes.old': [null, value, null],
        'changes.new': [value, null, null],
        source_counter: Number.MAX_SAFE_INTEGER,
        commitment_seed: Uint8Array.from({ length: 16 }, (_, byte) => byte * 16 + index),
        schema_id: 4_294_967_295,
        content_hash: 2n ** 64n - 1n - BigInt(index),
        raw: Uint8Array.from({ length: 256 }, (_, byte) => byte),
      }),
    );
    const block = createBlock<EventRow>(eventColumns);
    for (const row of rows) block.append(row);
    expect(await insert(block, 0, owner)).toEqual({ ok: true });

    const stored = await database.clickhouse.query(
      `SELECT ${eventColumns.map(({ name, type }) => `${readable(name, type)} AS \`_${name}\``).join(', ')}
       FROM audit_events WHERE src_partition = 0 ORDER BY src_offset`,
    );
    expect(stored.length).toBe(rows.length);
    for (const [index, row] of rows.entries()) {
      for (const { name, type } of eventColumns) {
        expect({ [name]: stored[index]?.[`_${name}`] }).toEqual({ [name]: storedValue(row[name], type) });
      }
    }
  });
});

/** Integers of 64 bits as text, bytes as hex, everything else as JSON says it. */
function readable(name: string, type: string): string {
  if (name === 'raw' || name === 'commitment_seed') return `hex(${name})`;
  if (name === 'occurred_at') return 'toString(toUnixTimestamp64Micro(occurred_at))';
  if (name === 'received_at') return 'toString(toUnixTimestamp64Milli(received_at))';
  return type === 'UInt64' ? `toString(\`${name}\`)` : `\`${name}\``;
}

function storedValue(value: EventRow[keyof EventRow], type: string): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').toUpperCase();
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && (type === 'UInt64' || type.startsWith('DateTime64'))) return value.toString();
  return withoutLoneSurrogates(value);
}

const wellFormed = (text: string): string => Buffer.from(text).toString();

/** UTF-8 has no lone surrogates: U+FFFD is stored instead. */
function withoutLoneSurrogates(value: unknown): unknown {
  if (typeof value === 'string') return wellFormed(value);
  if (Array.isArray(value)) return value.map(withoutLoneSurrogates);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [wellFormed(key), withoutLoneSurrogates(item)]));
}

describe('the guard', () => {
  test('I2: a stale owner is fenced and writes nothing; the owner writes', async () => {
    const stale = await claim(1);
    const owner = await claim(1);
    expect(await insert(blockOf([{ src_partition: 1 }]), 1, stale)).toMatchObject({
      ok: false,
      reason: 'fenced',
      code: 395,
    });
    expect(await countOf(1)).toBe(0);
    expect(await insert(blockOf([{ src_partition: 1 }]), 1, owner)).toEqual({ ok: true });
    expect(await countOf(1)).toBe(1);
  });

  test('I2: losing one of several partitions fences the whole block', async () => {
    const owner = randomUUID();
    await claimPartitions(database.clickhouse, { generation, partitions: [2, 3], owner });
    await claim(3);
    const guard = {
      generation,
      owners: new Map([
        [2, owner],
        [3, owner],
      ]),
    };
    const block = blockOf([{ src_partition: 2 }, { src_partition: 3 }]);
    const outcome = await insertBlock(database.clickhouse, {
      table: 'audit_events',
      block,
      guard,
      token: `${owner}/0`,
    });
    expect(outcome).toMatchObject({ ok: false, reason: 'fenced' });
    expect(await countOf(2)).toBe(0);
  });

  test('a partition that nobody has claimed is fenced', async () => {
    expect(await insert(blockOf([{ src_partition: 4 }]), 4, randomUUID())).toMatchObject({
      ok: false,
      reason: 'fenced',
    });
  });

  test('an owner of one generation is fenced in another', async () => {
    const owner = await claim(4);
    const guard = { generation: 2, owners: new Map([[4, owner]]) };
    const outcome = await insertBlock(database.clickhouse, {
      table: 'audit_events',
      block: blockOf([{}]),
      guard,
      token: `${owner}/0`,
    });
    expect(outcome).toMatchObject({ ok: false, reason: 'fenced' });
  });
});

describe('the token', () => {
  test('I2: a block sent again with its token is stored once, also when both are under way at once', async () => {
    const owner = await claim(5);
    const block = blockOf([{ src_partition: 5 }]);
    const token = `${owner}/1`;
    expect(await insert(block, 5, owner, token)).toEqual({ ok: true });
    expect(await insert(block, 5, owner, token)).toEqual({ ok: true });
    expect(await countOf(5)).toBe(1);

    const atOnce = await Promise.all(Array.from({ length: 4 }, () => insert(block, 5, owner, `${owner}/2`)));
    expect(atOnce).toEqual(Array.from({ length: 4 }, () => ({ ok: true })));
    expect(await countOf(5)).toBe(2);
  });

  test('the same rows under another token are stored again: tokens name blocks, not contents', async () => {
    const owner = await claim(6);
    const block = blockOf([{ src_partition: 6 }]);
    await insert(block, 6, owner, `${owner}/1`);
    await insert(block, 6, owner, `${owner}/2`);
    expect(await countOf(6)).toBe(2);
  });
});

describe('a block', () => {
  test('I4: of 100,000 rows and 50 MB is one part, that is one commit', async () => {
    const owner = await claim(7);
    const block = createBlock<EventRow>(eventColumns);
    const row = eventRow({
      src_partition: 7,
      description: 'x'.repeat(200),
      'resources.type': ['t'],
      'resources.id': ['i'],
      'resources.name': ['n'],
      'resources.metadata': [{ k: 'v' }],
    });
    for (let index = 0; index < 100_000; index++)
      block.append({
        ...row,
        seq: index + 1,
        src_offset: index,
        tenant_id: `tenant-${index % 500}`,
        session_id: `session-${index}`,
      });
    expect(block.bytes).toBeGreaterThan(45_000_000);
    const before = await activeParts();
    expect(await insert(block, 7, owner)).toEqual({ ok: true });
    const added = (await activeParts()).filter(({ name }) => !before.some((part) => part.name === name));
    expect(added).toEqual([{ name: expect.any(String), rows: 100_000 }]);
  }, 60_000);

  test('I4: over two months is not written at all', async () => {
    const owner = await claim(8);
    const october = Date.UTC(2026, 9, 31, 23, 59, 59, 999);
    const outcome = await insert(
      blockOf([
        { src_partition: 8, received_at: october },
        { src_partition: 8, received_at: october + 1 },
      ]),
      8,
      owner,
    );
    expect(outcome).toMatchObject({ ok: false, reason: 'unavailable', code: 252 });
    expect(await countOf(8)).toBe(0);
  });

  test('with a bad value is refused, and nothing of it is written', async () => {
    const owner = await claim(9);
    const bad = { src_partition: 9, 'resources.type': ['role'], 'resources.id': [] };
    expect(await insert(blockOf([{ src_partition: 9 }, bad]), 9, owner)).toMatchObject({
      ok: false,
      reason: 'refused',
      code: 190,
    });
    expect(await countOf(9)).toBe(0);
  });
});

describe('a server that does not answer', () => {
  test('is unavailable, whether it is away or slow', async () => {
    const owner = await claim(10);
    const guard = { generation, owners: new Map([[10, owner]]) };
    const away = createClickHouse({ ...database.config, clickhouseUrl: 'http://127.0.0.1:9' });
    const lost = await insertBlock(away, { table: 'audit_events', block: blockOf([{}]), guard, token: `${owner}/0` });
    expect(lost).toMatchObject({
      ok: false,
      reason: 'unavailable',
      code: 0,
      message: expect.stringContaining('ECONNREFUSED'),
    });
    await away.close();

    const late = await insertBlock(database.clickhouse, {
      table: 'audit_events',
      block: blockOf([{}]),
      guard,
      token: `${owner}/1`,
      deadlineMs: 1,
    });
    expect(late).toMatchObject({ ok: false, reason: 'unavailable', code: 0, message: 'no answer within 1 ms' });
  });

  test('a missing table or a wrong password is unavailable: the block is kept until an operator mends it', async () => {
    const guard = { generation, owners: new Map([[10, randomUUID()]]) };
    const missing = await insertBlock(database.clickhouse, {
      table: 'nowhere',
      block: blockOf([{}]),
      guard,
      token: 'a',
    });
    expect(missing).toMatchObject({ ok: false, reason: 'unavailable', code: 60 });
    const stranger = createClickHouse({ ...database.config, clickhousePassword: 'wrong' });
    const refused = await insertBlock(stranger, { table: 'audit_events', block: blockOf([{}]), guard, token: 'a' });
    expect(refused).toMatchObject({ ok: false, reason: 'unavailable', code: 516 });
    await stranger.close();
  });
});

function activeParts(): Promise<{ name: string; rows: number }[]> {
  return database.clickhouse.query(
    "SELECT name, rows FROM system.parts WHERE database = currentDatabase() AND table = 'audit_events' AND active ORDER BY name",
  );
}
