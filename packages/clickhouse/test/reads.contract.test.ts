import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventColumns, eventFromRow, eventStatuses, toPublicEvent, type EventRow } from '@docket/event';
import {
  claimPartitions,
  createBinder,
  createBlock,
  insertBlock,
  isAnswerTooLarge,
  publicEventOfManySql,
  publicEventSettings,
  publicEventSql,
  readHeads,
  readLog,
  readLogBounds,
  readLogTexts,
  readStoredRecord,
  readWindow,
} from '../src/index.ts';
import { readLogSql } from '../src/read-log.ts';
import { logTextsStatement } from '../src/read-log-texts.ts';
import { storedHeadsSql } from '../src/read-heads.ts';
import { createTestDatabase, eventRow, type TestDatabase } from './test-database.ts';

let database: TestDatabase;
const generation = 1;
const partitions = [0, 1, 2, 3];
const owner = randomUUID();
let blocks = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  await claimPartitions(database.clickhouse, { generation, partitions, owner });
});
afterAll(() => database.drop());

async function store(rows: readonly EventRow[]): Promise<void> {
  const block = createBlock<EventRow>(eventColumns);
  for (const row of rows) block.append(row);
  const guard = { generation, owners: new Map(partitions.map((partition) => [partition, owner])) };
  const outcome = await insertBlock(database.clickhouse, {
    table: 'audit_events',
    block,
    guard,
    token: `${owner}/${(blocks += 1)}`,
  });
  expect(outcome).toEqual({ ok: true });
}

describe('readHeads', () => {
  test('names every partition asked for, also when nothing is stored', async () => {
    const heads = await readHeads(database.clickhouse, { generation, partitions: [3] });
    expect(heads).toEqual(new Map([[3, { last: null, startOffset: 0, heads: new Map() }]]));
  });

  test('gives each log’s head and row count, and the partition’s last record', async () => {
    await store([
      eventRow({ src_partition: 0, tenant_id: 'a', seq: 1, src_offset: 10 }),
      eventRow({ src_partition: 0, tenant_id: 'b', seq: 1, src_offset: 11 }),
      eventRow({ src_partition: 0, tenant_id: 'a', seq: 2, src_offset: 14, status: 'quarantined' }),
      eventRow({ src_partition: 1, tenant_id: '!p1', seq: 1, src_offset: 0 }),
    ]);
    await store([eventRow({ src_partition: 0, tenant_id: 'b', seq: 3, src_offset: 20 })]);
    const heads = await readHeads(database.clickhouse, { generation, partitions: [0, 1] });
    const b = { log: 'b', firstSeq: 1, headSeq: 3, headOffset: 20, rows: 2 };
    expect(heads.get(0)).toEqual({
      last: b,
      startOffset: 0,
      heads: new Map([
        ['a', { log: 'a', firstSeq: 1, headSeq: 2, headOffset: 14, rows: 2 }],
        ['b', b],
      ]),
    });
    expect(heads.get(1)?.last).toEqual({ log: '!p1', firstSeq: 1, headSeq: 1, headOffset: 0, rows: 1 });
    expect((await readHeads(database.clickhouse, { generation: 2, partitions: [0] })).get(0)?.last).toBeNull();
  });

  test('takes the maximum over log_heads, so that positions outlive rows that retention cut', async () => {
    await database.clickhouse.command(
      `INSERT INTO log_heads (generation, partition, tenant_id, first_seq, head_seq, head_offset, head_id, head_received_at) VALUES
       (1, 2, 'cut', 8, 7, 70, '0199f3c2-0000-7000-8000-00000000000a', '2026-11-01 00:00:00.123'),
       (1, 2, 'partly', 5, 6, 60, '0199f3c2-0000-7000-8000-00000000000b', '2026-11-01 00:00:00.456')`,
    );
    await store([eventRow({ src_partition: 2, tenant_id: 'partly', seq: 7, src_offset: 65 })]);
    const heads = (await readHeads(database.clickhouse, { generation, partitions: [2] })).get(2);
    expect(heads?.heads.get('cut')).toEqual({ log: 'cut', firstSeq: 8, headSeq: 7, headOffset: 70, rows: 0 });
    expect(heads?.heads.get('partly')).toEqual({ log: 'partly', firstSeq: 5, headSeq: 7, headOffset: 65, rows: 1 });
    expect(heads?.last?.log).toBe('cut');
    const record = await readStoredRecord(database.clickhouse, { generation, partition: 2, log: 'cut', offset: 70 });
    expect(record).toEqual({
      log: 'cut',
      id: '0199f3c2-0000-7000-8000-00000000000a',
      offset: 70,
      receivedAtMs: Date.UTC(2026, 10, 1) + 123,
    });
  });

  test('is answered by the projection p_heads', async () => {
    const lines = await database.clickhouse.query<{ explain: string }>(`EXPLAIN projections = 1 ${storedHeadsSql}`, {
      generation,
      partitions: [0, 1],
    });
    expect(lines.map(({ explain }) => explain).join('\n')).toContain('p_heads');
  });
});

describe('readStoredRecord', () => {
  test('gives the record’s identity, and null where there is none', async () => {
    const row = eventRow({
      src_partition: 3,
      tenant_id: 'c',
      seq: 1,
      src_offset: 5,
      received_at: Date.UTC(2026, 10, 2) + 7,
    });
    await store([row]);
    const at = { generation, partition: 3, log: 'c', offset: 5 };
    expect(await readStoredRecord(database.clickhouse, at)).toEqual({
      log: 'c',
      id: row.id,
      offset: 5,
      receivedAtMs: row.received_at,
    });
    expect(await readStoredRecord(database.clickhouse, { ...at, offset: 6 })).toBeNull();
    expect(await readStoredRecord(database.clickhouse, { ...at, log: 'd' })).toBeNull();
  });
});

describe('readWindow', () => {
  // Offsets with gaps of every width, in several parts, tenants interleaved.
  const offsets = Array.from({ length: 300 }, (_, index) => index * 3 + (index > 200 ? 5_000 : 0));
  const rows = offsets.map((offset, index) =>
    eventRow({
      src_partition: 1,
      src_offset: offset + 100,
      seq: index + 2,
      tenant_id: `w${index % 7}`,
      content_hash: 2n ** 63n + BigInt(index),
      status: index % 5 === 0 ? 'duplicate' : 'accepted',
    }),
  );
  const lastOffset = 100 + (offsets.at(-1) ?? 0);
  const expected = rows.map((row) => ({
    log: row.tenant_id,
    id: row.id,
    status: row.status,
    contentHash: row.content_hash,
  }));

  beforeAll(async () => {
    await store(rows.slice(0, 150));
    await store(rows.slice(150));
  });

  test.each([1, 99, 100, 101, 299, 300])(
    'gives the last %i records in offset order, whatever the gaps',
    async (count) => {
      const window = await readWindow(database.clickhouse, { generation, partition: 1, rows: count, lastOffset });
      expect(window).toEqual(expected.slice(-count));
    },
  );

  test('gives all when fewer are stored', async () => {
    const window = await readWindow(database.clickhouse, { generation, partition: 1, rows: 2 ** 18, lastOffset });
    expect(window.slice(-300)).toEqual(expected);
    expect(window).toHaveLength(301);
  });
});

describe('a read whose answer is too large', () => {
  test.each([
    ['readLog', readLog],
    ['readLogTexts', readLogTexts],
  ])(
    'I8: %s is refused as that before anything is sent, and the same of fewer rows is answered',
    async (_name, read) => {
      const tenantId = `large-${_name}`;
      const description = 'x'.repeat(4_000);
      const rows = Array.from({ length: 20 }, (_, index) =>
        eventRow({ src_partition: 3, tenant_id: tenantId, seq: index + 1, src_offset: 9_000 + index, description }),
      );
      await store(rows);
      const ask = (limit: number) =>
        read(database.clickhouse, { tenantId, afterSeq: 0, limit }, { settings: { max_result_bytes: 40_000 } });
      const failure = await ask(20).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(isAnswerTooLarge(failure)).toBe(true);
      expect(await ask(2)).toHaveLength(2);
    },
  );
});

describe('readLog', () => {
  beforeAll(() =>
    store([
      ...[5, 1, 3, 2, 4, 7].map((seq) =>
        eventRow({ src_partition: 3, tenant_id: 'log', seq, src_offset: 100 + seq, action: `a.${seq}` }),
      ),
      eventRow({ src_partition: 3, tenant_id: 'other', seq: 1, src_offset: 150 }),
    ]),
  );

  const seqsOf = async (afterSeq: number, limit: number): Promise<number[]> =>
    (await readLog(database.clickhouse, { tenantId: 'log', afterSeq, limit })).map(({ seq }) => seq);

  test('gives rows in seq order up to the limit', async () => {
    expect(await seqsOf(0, 3)).toEqual([1, 2, 3]);
    expect(await seqsOf(3, 2)).toEqual([4, 5]);
  });

  test('I4: stops at the first missing seq', async () => {
    expect(await seqsOf(3, 100)).toEqual([4, 5]);
    expect(await seqsOf(5, 100)).toEqual([]);
    expect(await seqsOf(6, 100)).toEqual([7]);
  });

  test('is empty at the end and for a log that is not there', async () => {
    expect(await seqsOf(7, 10)).toEqual([]);
    expect(await readLog(database.clickhouse, { tenantId: "x' OR 1=1 --", afterSeq: 0, limit: 10 })).toEqual([]);
  });

  test('finds its rows by primary key and seq index', async () => {
    const lines = await database.clickhouse.query<{ explain: string }>(`EXPLAIN indexes = 1 ${readLogSql}`, {
      tenantId: 'log',
      afterSeq: 3,
      toSeq: 5,
      limit: 2,
    });
    const text = lines.map(({ explain }) => explain).join('\n');
    expect(text).toMatch(/PrimaryKey[\s\S]*tenant_id/);
    expect(text).toContain('i_seq');
  });

  test('readLogBounds', async () => {
    expect(await readLogBounds(database.clickhouse, 'log')).toEqual({ firstSeq: 1, headSeq: 7 });
    expect(await readLogBounds(database.clickhouse, 'cut')).toEqual({ firstSeq: 8, headSeq: 7 });
    expect(await readLogBounds(database.clickhouse, 'nobody')).toEqual({ firstSeq: 1, headSeq: 0 });
  });
});

describe('readLogTexts', () => {
  const tenantId = 'texts';
  const odd = Array.from({ length: 0x100 }, (_, code) => String.fromCharCode(code)).join('');
  const texts = ['', odd, 'a/b \u2028 \ud83d\udc69 € \ufeff', '\\"</script>', 'x'.repeat(20_000)];

  beforeAll(() =>
    store(
      texts.flatMap((text, index) =>
        eventStatuses.map((status, n) =>
          eventRow({
            src_partition: 3,
            tenant_id: tenantId,
            seq: index * eventStatuses.length + n + 1,
            src_offset: 1_000 + index * eventStatuses.length + n,
            status,
            occurred_at: 1_780_000_000_000_001 + index,
            received_at: 1_780_000_000_007,
            actor_name: text.slice(0, 300),
            actor_metadata: { A: text, b: '1' },
            on_behalf_of_type: index === 1 ? 'user' : '',
            on_behalf_of_id: index === 1 ? 'u_2' : '',
            'resources.type': ['role', 'role'],
            'resources.id': ['r_1', text],
            'resources.name': [text, ''],
            'resources.metadata': [{}, { k: text }],
            'changes.path': ['p', 'q'],
            'changes.old': [null, JSON.stringify({ a: text, b: [1.5, null] })],
            'changes.new': ['1', null],
            description: text,
            country: index === 2 ? 'DE' : '',
            source_counter: index === 3 ? 2 ** 53 - 2 : 0,
            metadata: { plan: text },
          }),
        ),
      ),
    ),
  );

  /** As JSON, the texts are what toPublicEvent makes of the rows of readLog. */
  async function expectSameEvents(of: string, count: number): Promise<void> {
    const range = { tenantId: of, afterSeq: 0, limit: 1_000 };
    const [rows, found] = await Promise.all([
      readLog(database.clickhouse, range),
      readLogTexts(database.clickhouse, range),
    ]);
    expect(rows).toHaveLength(count);
    const expected = rows.map((row) => {
      const { seq, status, received_at: receivedAtMs } = row;
      const isShown = status === 'accepted' || status === 'conflict';
      const event = isShown ? toPublicEvent(eventFromRow(row), { seq, receivedAtMs, status }) : undefined;
      return { seq, status, receivedAtMs, event };
    });
    const parsed = found.map(({ text, ...row }) => {
      return { ...row, event: text.length === 0 ? undefined : (JSON.parse(text.toString()) as unknown) };
    });
    expect(parsed).toEqual(expected);
  }

  /** What is written for many rows is the same, byte for byte. */
  async function expectSameTextOfMany(of: string, count: number): Promise<void> {
    const [few, many] = [publicEventSql, publicEventOfManySql].map((sql) => sql({ ownActions: null }, createBinder()));
    const sql = `SELECT count() AS same FROM audit_events WHERE tenant_id = {of:String} AND ${few} = ${many}`;
    const options = { settings: publicEventSettings };
    expect(await database.clickhouse.query(sql, { of }, options)).toEqual([{ same: count }]);
  }

  test('gives the rows of readLog, with what toPublicEvent makes of them as JSON', () =>
    expectSameEvents(tenantId, texts.length * eventStatuses.length));

  test('escapes a text whichever field it is in', async () => {
    const whole: Partial<EventRow> = {
      actor_metadata: { k: 'v' },
      on_behalf_of_id: 'u_2',
      'resources.type': ['role'],
      'resources.id': ['r_1'],
      'resources.name': ['Admin'],
      'resources.metadata': [{ k: 'v' }],
      'changes.path': ['p'],
      'changes.old': [null],
      'changes.new': ['1'],
      metadata: { k: 'v' },
    };
    const oddTexts = ['"', '\\', '\n', '\u001f'];
    const names = ['action', 'outcome_reason', 'actor_type', 'actor_id', 'actor_name', 'on_behalf_of_type'] as const;
    const more = ['on_behalf_of_id', 'on_behalf_of_name', 'description', 'ip', 'user_agent', 'country'] as const;
    const ids = [
      'session_id',
      'request_id',
      'trace_id',
      'source_service',
      'source_version',
      'source_instance',
    ] as const;
    const lists = ['resources.type', 'resources.id', 'resources.name', 'changes.path'] as const;
    const rows = oddTexts.flatMap((text) => [
      ...[...names, ...more, ...ids].map((name) => ({ [name]: text })),
      ...lists.map((name) => ({ [name]: [text] })),
      ...(['actor_metadata', 'metadata'] as const).flatMap((name) => [
        { [name]: { k: text } },
        { [name]: { [text]: 'v' } },
      ]),
      { 'resources.metadata': [{ k: text }] },
    ]);
    const place = { src_partition: 3, tenant_id: 'odd texts', status: 'accepted' } as const;
    await store(
      rows.map((row, index) => eventRow({ ...place, ...whole, ...row, seq: index + 1, src_offset: 2_000 + index })),
    );
    await expectSameEvents('odd texts', rows.length);
    await expectSameTextOfMany('odd texts', rows.length);
  });

  test('is one line, also where a producer has written the values of changes on several', async () => {
    const changes = {
      'changes.path': ['p', 'q'],
      'changes.old': ['{\n  "a": 1,\r\n\t"b": "x\\ny"\n}', null],
      'changes.new': ['[\r1\n]\n', '"text"'],
    };
    const place = { src_partition: 3, tenant_id: 'pretty', src_offset: 3_000 };
    await store([eventRow({ ...place, ...changes }), eventRow({ ...place, ...changes, seq: 2, description: '"' })]);
    await expectSameEvents('pretty', 2);
    const found = await readLogTexts(database.clickhouse, { tenantId: 'pretty', afterSeq: 0, limit: 10 });
    expect(found.filter(({ text }) => /[\n\r]/.test(text.toString()))).toEqual([]);
    await expectSameTextOfMany('pretty', 2);
  });

  test('I4: in seq order up to the limit, and no farther than the first missing seq', async () => {
    const seqsOf = async (afterSeq: number, limit: number, of = 'log'): Promise<number[]> =>
      (await readLogTexts(database.clickhouse, { tenantId: of, afterSeq, limit })).map(({ seq }) => seq);
    expect([await seqsOf(2, 3, tenantId), await seqsOf(29, 9, tenantId), await seqsOf(30, 9, tenantId)]).toEqual([
      [3, 4, 5],
      [30],
      [],
    ]);
    expect([await seqsOf(3, 100), await seqsOf(5, 100), await seqsOf(6, 100)]).toEqual([[4, 5], [], [7]]);
  });

  test('of a search: the text of what it finds, and the place of everything else', async () => {
    const search = { kind: 'not', term: { kind: 'is', field: 'action', values: ['a.2'] } } as const;
    const found = await readLogTexts(database.clickhouse, { tenantId: 'log', afterSeq: 0, limit: 3, search });
    expect(found.map(({ seq, status, text }) => [seq, status, text.length > 0])).toEqual([
      [1, 'accepted', true],
      [2, 'accepted', false],
      [3, 'accepted', true],
    ]);
  });

  test('finds its rows by primary key and seq index', async () => {
    const { sql, params } = logTextsStatement({ tenantId, afterSeq: 3, limit: 2 });
    const lines = await database.clickhouse.query<{ explain: string }>(`EXPLAIN indexes = 1 ${sql}`, params);
    const text = lines.map(({ explain }) => explain).join('\n');
    expect(text).toMatch(/PrimaryKey[\s\S]*tenant_id/);
    expect(text).toContain('i_seq');
  });
});
