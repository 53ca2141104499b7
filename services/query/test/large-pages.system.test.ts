import { randomUUID } from 'node:crypto';
import { createBlock, insertBlock } from '@docket/clickhouse';
import { eventColumns, newEventId, type EventRow } from '@docket/event';
import {
  createKeyring,
  createWorld,
  eventually,
  residentBytesOf,
  startService,
  type Keyring,
  type ServiceProcess,
  type World,
} from '@docket/testkit';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { largeContent } from './large-rows.ts';
import { internalColumns, storedRow } from './stored-row.ts';

const mebibyte = 1024 * 1024;
/** Each a quarter of a mebibyte. */
const count = 1_000;
const allSeqs = Array.from({ length: count }, (_, index) => index + 1);
/** The chart gives the service 768 MiB. */
const rssBytesMax = 512 * mebibyte;

let world: World;
let keyring: Keyring;
let query: ServiceProcess;
let authorization: string;

beforeAll(async () => {
  world = await createWorld();
  keyring = createKeyring(world);
  ({ authorization } = await keyring.make({ tenants: ['large'] }));
  query = await startService('query', world.env);
  const at = (seq: number): number => Date.UTC(2026, 10, 1) + seq * 1_000;
  for (let part = 0; part < 10; part += 1) {
    const block = createBlock<EventRow>(eventColumns);
    for (const seq of allSeqs.slice(part * 100, part * 100 + 100)) {
      const row = storedRow({
        id: newEventId(),
        tenant_id: 'large',
        seq,
        occurred_at: at(seq) * 1_000,
        received_at: at(seq),
      });
      block.append({ ...row, ...internalColumns, ...largeContent() });
    }
    expect(await insertBlock(world.clickhouse, { table: 'audit_events', block, token: randomUUID() })).toEqual({
      ok: true,
    });
  }
}, 180_000);

afterAll(async () => {
  await query?.stop();
  await keyring?.close();
  await world?.close();
}, 60_000);

interface Page {
  readonly data: readonly { readonly seq: number }[];
  readonly next_cursor?: string | null;
  readonly next_after?: number;
}

async function pageOf(path: string): Promise<Page> {
  const response = await fetch(`${query.url}${path}`, { headers: { authorization } });
  const text = await response.text();
  expect([response.status, response.ok ? '' : text]).toEqual([200, '']);
  return JSON.parse(text) as Page;
}

async function followList(first: Page): Promise<number[]> {
  const seqs = first.data.map(({ seq }) => seq);
  for (let cursor = first.next_cursor; typeof cursor === 'string';) {
    const page = await pageOf(`/v1/events?limit=1000&cursor=${encodeURIComponent(cursor)}`);
    seqs.push(...page.data.map(({ seq }) => seq));
    cursor = page.next_cursor;
  }
  return seqs;
}

async function followFeed(first: Page): Promise<number[]> {
  const seqs = first.data.map(({ seq }) => seq);
  for (let after = first.next_after ?? 0; after < count;) {
    const page = await pageOf(`/v1/feed?limit=1000&after=${after}`);
    seqs.push(...page.data.map(({ seq }) => seq));
    after = page.next_after ?? 0;
  }
  return seqs;
}

test('I8: sixteen pages of the largest events at once are all answered, short, within the memory that the service has', async () => {
  await eventually(async () => (await fetch(`${query.url}/v1/whoami`, { headers: { authorization } })).ok, { what: 'the key is known' }); // prettier-ignore
  const pages = await Promise.all(
    Array.from({ length: 16 }, (_, at) =>
      pageOf(at % 2 === 0 ? '/v1/events?limit=1000' : '/v1/feed?after=0&limit=1000'),
    ),
  );
  for (const { data } of pages) {
    expect(data.length).toBeGreaterThan(0);
    expect(data.length).toBeLessThan(40);
  }
  const [list, feed] = pages;
  if (list === undefined || feed === undefined) throw new Error('no pages');
  expect(await followList(list)).toEqual(allSeqs.toReversed());
  expect(await followFeed(feed)).toEqual(allSeqs);
  const peak = residentBytesOf(query, 'peak');
  process.stdout.write(
    `highest RSS ${(peak / mebibyte).toFixed(0)} MiB, pages of ${pages.map(({ data }) => data.length).join(', ')} events\n`,
  );
  expect(peak).toBeLessThan(rssBytesMax);
}, 600_000);
