import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEventDecoder, createRecordMac, newEventId, unframeAvro, type AuditEvent } from '@docket/event';
import type { Publisher } from '@docket/kafka';
import { createLogger } from '@docket/runtime';
import { auditEventAvro } from '@docket/schemas';
import { eventually } from '@docket/testkit';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import type { Caller } from '../../src/gate/reader-policy.ts';
import { createAccessTrail, type AccessTrail } from '../../src/trail/access-trail.ts';
import type { Reading } from '../../src/trail/reading.ts';
import { createTrailMetrics } from '../../src/trail/trail-metrics.ts';
import type { TrailEntry } from '../../src/trail/trail-entry.ts';
import { trailEntry } from './trail-entry-maker.ts';

const decode = createEventDecoder(auditEventAvro);
let dir: string;
let trail: AccessTrail;
let told: AuditEvent[];
let isKafkaAway: boolean;
let logs: string[];
let registry: Registry;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'docket-trail-'));
  [told, logs, isKafkaAway] = [[], [], false];
});
afterEach(async () => {
  await trail.stop();
  await rm(dir, { recursive: true, force: true });
});

const publisher: Publisher = {
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  stats: () => ({ queuedBytes: 0, queueBytesMax: 0, isStalled: false }),
  publish(_topic, records) {
    const away = { ok: false, reason: 'unavailable', error: new Error('away') } as const;
    if (isKafkaAway) return Promise.resolve(records.map(() => away));
    for (const { value } of records) {
      const framed = unframeAvro(value ?? Buffer.alloc(0));
      if (framed.ok) told.push(decode(framed.body));
    }
    return Promise.resolve(records.map((_record, offset) => ({ ok: true, partition: 0, offset })));
  },
};

async function startTrail(bytesMax = 8 * 1024 * 1024): Promise<void> {
  registry = new Registry();
  trail = createAccessTrail({
    spool: { dir, bytesMax, isDurable: false },
    windowMs: 300_000,
    publisher,
    eventsTopic: 'events',
    schemaId: () => 1,
    mac: createRecordMac([Buffer.alloc(32, 1)]),
    metrics: createTrailMetrics(registry),
    logger: createLogger({ service: 'query-test', level: 'info' }, { write: (line) => void logs.push(line) }),
  });
  await trail.start();
}

const count = async (name: string): Promise<number> =>
  Number(new RegExp(`^${name} (.*)$`, 'm').exec(await registry.metrics())?.[1]);

/** What a process that was killed has left: these readings, none of them told. */
async function leave(entries: readonly TrailEntry[], atMs = Date.now()): Promise<void> {
  const dead = Number(execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }));
  const folder = join(dir, `${hostname().replaceAll(/[^A-Za-z0-9.-]/g, '-')}_${dead}_000000000000_0`);
  await mkdir(folder);
  const lines = entries.map((entry, n) => JSON.stringify(['opened', newEventId(), `f${n}`, atMs, entry]));
  await writeFile(join(folder, 'trail'), `${lines.join('\n')}\n`);
}

const caller = (keyId: string): Caller => ({
  keyId,
  scopes: ['events:read'],
  tenants: ['acme'],
  view: { kind: 'tenant' },
  token: null,
});
const reading = (keyId: string, log: string, search: string): Reading => ({
  credential: caller(keyId),
  log,
  question: search,
  asked: { search },
  eventId: null,
  results: 1,
});
const origin = { ip: '203.0.113.7', userAgent: 'x'.repeat(16_000), requestId: 'r-1' };

describe('telling', () => {
  test('one reading that is no valid event never stops the others: it is told in short, or dropped loudly', async () => {
    await leave([
      trailEntry({ requestId: 'r'.repeat(300) }),
      trailEntry({ actor: { type: 'user', id: 'u'.repeat(300) } }),
      trailEntry({ asked: Object.fromEntries(Array.from({ length: 70 }, (_, n) => [`asked_${n}`, 'x'])) }),
      trailEntry({ log: 'globex' }),
    ]);
    await startTrail();
    await eventually(() => told.length === 3, { what: 'the telling of all but one' });
    expect(told.map(({ tenant_id: log, metadata }) => [log, metadata])).toEqual([
      ['acme', { is_shortened: 'true', read_at: expect.any(String), reads: '1' }],
      ['acme', { is_shortened: 'true', read_at: expect.any(String), reads: '1' }],
      ['globex', { reads: '1', results: '1', search: 'action:user.*' }],
    ]);
    expect(told[0]?.actor).toMatchObject({ id: '00000000000000aa', metadata: { view: 'tenant' } });
    await eventually(async () => (await count('docket_query_trail_windows')) === 0, { what: 'an empty spool' });
    expect(logs.filter((line) => line.includes('trail.shortened'))).toHaveLength(2);
    expect(logs.filter((line) => line.includes('trail.dropped'))).toHaveLength(1);
    expect(await count('docket_query_trail_events_total{outcome="dropped"}')).toBe(1);
  });

  test('readings of two days ahead, before the clock was set back, are told in short', async () => {
    const atMs = Date.now() + 48 * 60 * 60 * 1_000;
    await leave([trailEntry()], atMs);
    await startTrail();
    await eventually(() => told.length === 1, { what: 'the telling' });
    expect(told[0]).toMatchObject({ occurred_at: null, metadata: { read_at: new Date(atMs).toISOString() } });
  });

  test('a search of any length that a spool of an older version holds is told, cut and marked', async () => {
    const search = '-session_id:0 '.repeat(11_700);
    await leave([trailEntry({ asked: { search } }), trailEntry({ log: 'globex' })]);
    await startTrail();
    await eventually(() => told.length === 2, { what: 'the telling of both' });
    expect(told[0]?.metadata).toMatchObject({ search_bytes: String(search.length), reads: '1', results: '1' });
    expect(logs.filter((line) => line.includes('trail.shortened'))).toEqual([]);
  });

  test('a search of any length is told once, and its repeats name that event', async () => {
    await startTrail();
    const long = reading('k_1', 'acme', '-session_id:0 '.repeat(11_700));
    for (let n = 0; n < 3; n += 1) await trail.keep('searched', long, origin);
    await eventually(() => told.length === 1, { what: 'the telling of the first' });
    expect(Number(told[0]?.metadata['search_bytes'])).toBe(163_800);
    expect(told[0]?.context.user_agent).toHaveLength(2_048);
    await trail.stop();
    expect(told).toHaveLength(2);
    expect(told[1]).toMatchObject({
      actor: { id: 'k_1' },
      metadata: { reads: '2', results: '1', repeats_of: told[0]?.id },
    });
    await startTrail();
  });
});

describe('I7: the spool', () => {
  test('refuses whoever fills his share of it with rate_limited, and nobody else', async () => {
    isKafkaAway = true;
    await startTrail(256 * 1024);
    const keep = async (keyId: string, log: string, n: number): Promise<unknown> =>
      trail
        .keep('searched', reading(keyId, log, `n:${n} ${'x'.repeat(1_000)}`), origin)
        .catch((error: unknown) => error);
    let kept = 0;
    let refusal: unknown;
    for (; refusal === undefined && kept < 1_000; kept += 1) refusal = await keep('k_1', 'acme', kept);
    expect(refusal).toMatchObject({ code: 'rate_limited' });
    expect(kept).toBeGreaterThan(20);
    // The same tenant with another key, and the same key for another tenant, are no way round it.
    expect(await keep('k_2', 'acme', 0)).toMatchObject({ code: 'rate_limited' });
    expect(await keep('k_1', 'globex', 0)).toMatchObject({ code: 'rate_limited' });
    for (let n = 0; n < 10; n += 1) expect(await keep('k_3', 'globex', n)).toBeUndefined();
    // What he has asked before is counted, and needs no room.
    expect(await keep('k_1', 'acme', 0)).toBeUndefined();
    expect(await count('docket_query_trail_rate_limited_total')).toBe(3);
    expect(await count('docket_query_trail_refused_total')).toBe(0);
    isKafkaAway = false;
    await eventually(() => told.length === kept - 1 + 10, { what: 'the telling of all' });
    await eventually(async () => (await keep('k_1', 'acme', 5_000)) === undefined, { what: 'room' });
  });
});
