import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newEventId, rejectHeader, type EventInput } from '@docket/event';
import {
  createWorld,
  eventInput,
  eventRecord,
  eventually,
  publishRecords,
  runDocket,
  startService,
  type ServiceProcess,
  type World,
} from '@docket/testkit';

let world: World;
beforeAll(async () => {
  world = await createWorld();
}, 60_000);
afterAll(() => world.close(), 60_000);

interface Told {
  readonly log: string;
  readonly action: string;
  readonly status: string;
  readonly first: string;
  readonly last: string;
  readonly missing: string;
}

const told = (): Promise<Told[]> =>
  world.clickhouse
    .query<Told>(`SELECT tenant_id AS log, action, toString(status) AS status, metadata['first_counter'] AS first,
      metadata['last_counter'] AS last, metadata['missing_events'] AS missing
    FROM audit_events WHERE startsWith(action, 'docket.source.') ORDER BY tenant_id, seq`);

const numbered = (tenantId: string, counter: number): EventInput =>
  eventInput(tenantId, { id: newEventId(), source: { service: 'billing', instance: `pod ${tenantId}`, counter } });
const record = (tenantId: string, counter: number) => eventRecord(world, numbered(tenantId, counter));

async function metricOf({ url }: ServiceProcess, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** So that whatever there is to tell would have been told. */
async function untilCounted(ingestor: ServiceProcess): Promise<void> {
  const looks = 'docket_ingestor_source_looks_total{outcome="done"}';
  const before = await metricOf(ingestor, looks);
  // A hole is open for 2 s, with six looks in that time.
  await eventually(async () => (await metricOf(ingestor, looks)) > before + 12, {
    what: 'twelve looks at the sources',
  });
}

const missing = 'docket_ingestor_source_missing_events';

test('an event that is withheld is told as missing, once; delivered late it is told as closed; nothing else is', async () => {
  const env = { ...world.env, INGEST_SOURCE_GAP_SECONDS: '2' };
  const first = await startService('ingestor', env);
  const refused = { ...numbered('acme', 6), action: 'Not An Action' };
  await publishRecords(world, [
    ...[1, 2, 5].map((counter) => record('acme', counter)),
    // Set aside by lenient handling: not an event, and not missing.
    { key: 'acme', value: Buffer.from(JSON.stringify(refused)), headers: { [rejectHeader]: 'invalid_event: /action' } },
    record('acme', 7),
    // Reordered, and sent twice.
    ...[1, 3, 2, 3, 4].map((counter) => record('globex', counter)),
  ]);
  await eventually(async () => (await told()).length > 0, { what: 'the telling of the gap' });
  await untilCounted(first);
  const gap = { log: 'acme', action: 'docket.source.gap', status: 'accepted', first: '3', last: '4', missing: '2' };
  expect(await told()).toEqual([gap]);
  expect(await metricOf(first, missing)).toBe(2);

  await first.kill('SIGKILL');
  // Half of it, while nobody looks, and a second source's hole.
  await publishRecords(world, [record('acme', 3), record('acme', 8), record('globex', 5), record('globex', 9)]);
  const second = await startService('ingestor', env);
  await eventually(async () => (await told()).length > 1, { what: 'the telling of the second gap' });
  await untilCounted(second);
  const gaps = [gap, { ...gap, log: 'globex', first: '6', last: '8', missing: '3' }];
  expect(await told()).toEqual(gaps);
  expect(await metricOf(second, missing)).toBe(4);

  await publishRecords(world, [record('acme', 4), record('acme', 4), record('globex', 10)]);
  await eventually(async () => (await told()).length > 2, { what: 'the telling that the gap is closed' });
  await untilCounted(second);
  expect(await told()).toEqual([gap, { ...gap, action: 'docket.source.gap_closed' }, ...gaps.slice(1)]);
  expect(await metricOf(second, missing)).toBe(3);
  expect(await metricOf(second, 'docket_ingestor_source_looks_total{outcome="failed"}')).toBe(0);
  await second.stop();
  const { code, output } = await runDocket(['verify'], world.env);
  expect(`${output}\nexit ${code}`).toMatch(/I2, I3, I4 hold\nexit 0$/);
}, 180_000);
