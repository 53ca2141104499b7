import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  compileScoped,
  compileSearch,
  eventColumns,
  eventStatuses,
  normaliseSearch,
  parseSearch,
  printSearch,
  rowOfEvent,
  scopeSearch,
  type EventRow,
  type LoggedEvent,
  type Search,
  type SearchScope,
} from '@docket/event';
import { createChance } from '../../event/test/event-maker.ts';
import { loggedFrom, searchFrom } from '../../event/test/search/search-maker.ts';
import { createBinder, createBlock, insertBlock, scopedConditions, searchSql } from '../src/index.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

const tenants = ['acme', 'globex'] as const;
const parts = 5;
const eventsOfPart = 40;
/** Searches answered by one statement: more make it a long one to plan. */
const searchesOfStatement = 25;

let database: TestDatabase;
const stored: LoggedEvent[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const chance = createChance(20261101);
  for (let part = 0; part < parts; part += 1) {
    const block = createBlock<EventRow>(eventColumns);
    for (let count = 0; count < eventsOfPart; count += 1) {
      const logged = loggedFrom(chance, chance.pick(tenants), stored.length + 1);
      stored.push(logged);
      block.append(rowOf(logged));
    }
    expect(await insertBlock(database.clickhouse, { table: 'audit_events', block, token: randomUUID() })).toEqual({
      ok: true,
    });
  }
});
afterAll(() => database.drop());

function rowOf({ event, seq, status, receivedAtMs }: LoggedEvent): EventRow {
  const place = { generation: 1, partition: 0, offset: seq, schemaId: 1, statusDetail: '' };
  return rowOfEvent(event, { ...place, log: event.tenant_id, seq, status, receivedAtMs }, 0n);
}

/** For each search the seqs of the rows for which its SQL, as an expression, is true. */
async function seqsByExpression(searches: readonly Search[]): Promise<number[][]> {
  const binder = createBinder();
  const columns = searches.map((search, index) => `groupArrayIf(seq, ${searchSql(search, binder)}) AS s${index}`);
  const [row] = await database.clickhouse.query<Record<string, number[]>>(
    `SELECT ${columns.join(',\n')} FROM audit_events`,
    binder.params,
  );
  return searches.map((_, index) => (row?.[`s${index}`] ?? []).toSorted((a, b) => a - b));
}

/** The seqs of the rows that a search finds where its indexes may be used. */
async function seqsByCondition(search: Search): Promise<number[]> {
  const binder = createBinder();
  const rows = await database.clickhouse.query<{ seq: number }>(
    `SELECT seq FROM audit_events WHERE ${searchSql(search, binder)} ORDER BY seq`,
    binder.params,
  );
  return rows.map(({ seq }) => seq);
}

const seqsByPredicate = (search: Search): number[] => stored.filter(compileSearch(search)).map(({ seq }) => seq);

describe('the predicate and SQL find the same events', () => {
  test('of 2,000 searches of any shape, evaluated for every row', async () => {
    let [found, empty] = [0, 0];
    for (let seed = 0; seed < 2_000; seed += searchesOfStatement) {
      const searches = Array.from({ length: searchesOfStatement }, (_, index) =>
        searchFrom(createChance(seed + index), index % 4),
      );
      const answers = await seqsByExpression(searches);
      for (const [index, search] of searches.entries()) {
        const expected = seqsByPredicate(search);
        expect([printSearch(search), answers[index]]).toEqual([printSearch(search), expected]);
        found += expected.length;
        if (expected.length === 0) empty += 1;
      }
    }
    // Searches that match nothing, or everything, would show little.
    expect(empty).toBeLessThan(1_000);
    expect(found / 2_000).toBeGreaterThan(20);
    expect(found / 2_000).toBeLessThan(180);
  }, 120_000);

  test('of 400 single terms and small groups, through the indexes; the normal form finds them too', async () => {
    for (let seed = 10_000; seed < 10_400; seed += 1) {
      const search = searchFrom(createChance(seed), seed % 3);
      expect([printSearch(search), await seqsByCondition(search)]).toEqual([
        printSearch(search),
        seqsByPredicate(search),
      ]);
      expect(seqsByPredicate(normaliseSearch(search))).toEqual(seqsByPredicate(search));
    }
  }, 120_000);

  test('of what is written in the language', async () => {
    const context = { nowMicros: Date.UTC(2026, 10, 2, 12) * 1_000, statuses: eventStatuses };
    const texts = [
      '*', 'user', 'USER created', '"role user"', 'wÖrld', 'WÖRLD', 'wörld', '語', 'É', 'é', '"o\'brien"', 'x1 OR 7', '-user', 'action:user*',
      'actor:"\\\\"', 'actor:"%"', 'actor:"_"', 'actor:"*"', 'actor:u*', 'actor:*', '-on_behalf_of:*', 'resource:doc:7', 'resource:doc:*', 'resource:*',
      'resource_id:"a b"', '-resource_id:u_1', 'ip:203.0.113.0/24', '-ip:0.0.0.0/0', 'ip:2001:db8::/32', 'ip:::/0', 'ip:*', '-ip:*', 'metadata.plan:*',
      'metadata.a.b:u*', 'severity:>=medium', 'since:-24h', 'until:2026-11-01T12:00:00Z', 'occurred_at:<2026-11-01T12:00:00.0005Z', 'seq:10..20',
      'received_at:>=2026-11-01T12:00:00.001Z', 'received_at:2026-11-01T12:00:00Z', 'status:lost OR status:accepted', '-session_id:*', '-(trace_id:u_1 OR user)',
    ]; // prettier-ignore
    for (const text of texts) {
      const parsed = parseSearch(text, context);
      if (!parsed.ok) throw new Error(`${text}: ${parsed.error.detail}`);
      expect([text, await seqsByCondition(parsed.search)]).toEqual([text, seqsByPredicate(parsed.search)]);
    }
  });
});

describe('I5: a scope', () => {
  const people = [
    { type: 'user', id: 'u_1' },
    { type: 'doc', id: 'doc:7' },
    { type: 'user', id: '*' },
  ];
  const scopes: readonly SearchScope[] = [
    { tenantId: 'acme', statuses: ['accepted', 'conflict', 'duplicate'], own: null },
    { tenantId: 'acme', statuses: eventStatuses, own: null },
    { tenantId: 'acme', statuses: ['accepted', 'conflict', 'duplicate'], own: { actors: people, onBehalfOf: people, resources: [] } },
    { tenantId: 'globex', statuses: ['accepted', 'conflict'], own: { actors: people, onBehalfOf: [], resources: people } },
    { tenantId: 'globex', statuses: ['accepted'], own: { actors: [], onBehalfOf: [], resources: [] } },
  ]; // prettier-ignore

  /** What a scope may show, said once more without the language. */
  function isInScope({ event, status }: LoggedEvent, { tenantId, statuses, own }: SearchScope): boolean {
    if (event.tenant_id !== tenantId || !statuses.includes(status)) return false;
    if (own === null) return true;
    const isOne = (of: readonly { type: string; id: string }[], one: { type: string; id: string } | null): boolean =>
      of.some(({ type, id }) => type === one?.type && id === one.id);
    return (
      isOne(own.actors, event.actor) ||
      isOne(own.onBehalfOf, event.on_behalf_of) ||
      event.resources.some((resource) => isOne(own.resources, resource))
    );
  }

  test('is not widened by any search, in either back end', async () => {
    let shown = 0;
    for (let seed = 20_000; seed < 20_300; seed += 1) {
      const scope = scopes[seed % scopes.length];
      if (scope === undefined) continue;
      const scoped = scopeSearch(searchFrom(createChance(seed), seed % 4), scope);
      const binder = createBinder();
      const rows = await database.clickhouse.query<{ seq: number }>(
        `SELECT seq FROM audit_events WHERE ${scopedConditions(scoped, binder).join(' AND ')} ORDER BY seq`,
        binder.params,
      );
      const matched = stored.filter(compileScoped(scoped));
      expect(rows.map(({ seq }) => seq)).toEqual(matched.map(({ seq }) => seq));
      expect(matched.filter((logged) => !isInScope(logged, scope))).toEqual([]);
      shown += matched.length;
    }
    expect(shown).toBeGreaterThan(1_000);
  }, 120_000);
});
