import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pythonWith } from '@docket/testkit';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createQueryWorld, type QueryWorld } from './query-world.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('./read-parquet.py', import.meta.url));
/** What an answer may have on the script's standard output: a line for 70,000 events. */
const outputBytesMax = 64 * 1024 * 1024;

let world: QueryWorld;
let acme: string;
let python: string;
let folder: string;

beforeAll(async () => {
  python = await pythonWith(['pyarrow==21.0.0']);
  folder = await mkdtemp(join(tmpdir(), 'docket-parquet-'));
  world = await createQueryWorld();
  acme = world.key(['acme']);
}, 300_000);
afterAll(async () => {
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

interface ReadByPyarrow {
  readonly rows: number;
  readonly row_groups: number;
  readonly types: Readonly<Record<string, string>>;
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

/** Exports with these parameters, and reads the file with pyarrow; also what the export says that it came to. */
async function readBack(parameters: string): Promise<{ read: ReadByPyarrow; count: unknown }> {
  const response = await fetch(`${world.url}/v1/export?format=parquet&${parameters}`, { headers: { authorization: acme } });
  expect(response.status).toBe(200);
  const file = join(folder, 'events.parquet');
  await writeFile(file, Buffer.from(await response.arrayBuffer()));
  const { stdout } = await run(python, [script, file], { maxBuffer: outputBytesMax });
  const record = await world.get(`/v1/exports/${response.headers.get('docket-export-id') ?? ''}`, acme);
  // The border: the script's own output.
  return { read: JSON.parse(stdout) as ReadByPyarrow, count: record.body['count'] };
} // prettier-ignore

test('pyarrow reads what was exported: the same events, typed', async () => {
  await world.store([
    { seq: 1, description: 'quotes " and \u0000 and 😀', metadata: { plan: 'pro', 'a.b': '' }, occurred_at: 1 },
    { seq: 2, occurred_at: Date.UTC(1969, 11, 31, 23, 59, 59) * 1_000 + 999_999 },
    {
      seq: 3,
      'resources.type': ['doc', 'folder'],
      'resources.id': ['d1', 'f,2'],
      'resources.name': ['', 'N'],
      'resources.metadata': [{}, { k: 'v' }],
    },
  ]);
  const { body } = await world.get('/v1/events', acme);
  const { read, count } = await readBack('');
  expect([read.rows, count]).toEqual([3, 3]);
  expect(read.types).toMatchObject({
    seq: 'uint64',
    occurred_at: 'timestamp[us, tz=UTC]',
    received_at: 'timestamp[ms, tz=UTC]',
    metadata: expect.stringMatching(/^map<string, string/),
  });
  expect(read.events).toEqual(
    (body.data ?? []).toReversed().map((event) => ({
      id: event['id'],
      occurred_at: String(event['occurred_at']).replace('Z', '+00:00'),
      metadata: event['metadata'] ?? {},
      resource_ids: ((event['resources'] ?? []) as { id: string }[]).map(({ id }) => id),
      description: event['description'] ?? '',
    })),
  );
});

test('pyarrow counts as many rows as the export says, over several row groups', async () => {
  const events = 70_000;
  await world.clickhouse.command(
    `INSERT INTO audit_events (tenant_id, seq, id, status, occurred_at, received_at, action)
     SELECT 'acme', number + 4, generateUUIDv7(), 'accepted', toDateTime64('2026-11-01', 6, 'UTC') + number, toDateTime64('2026-11-01', 3, 'UTC'), 'many'
     FROM numbers(${events})`,
  );
  const { read, count } = await readBack('action=many');
  expect([read.rows, count]).toEqual([events, events]);
  expect(read.row_groups).toBeGreaterThan(1);
}, 120_000);

test('pyarrow reads the columns of a file without an event', async () => {
  const { read, count } = await readBack('actor_id=nobody');
  expect([read.rows, count]).toEqual([0, 0]);
  expect(read.types).toMatchObject({ id: 'string', seq: 'uint64', occurred_at: 'timestamp[us, tz=UTC]' });
});
