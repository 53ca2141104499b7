import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createEventDecoder, createRecordMac, readRecord } from '@docket/event';
import { readTopic } from '@docket/kafka';
import { auditEventAvro } from '@docket/schemas';
import { createKeyring, createWorld, eventually, startService } from '@docket/testkit';
import type { Keyring, ServiceProcess, World } from '@docket/testkit';
import { createDocket, type Docket, type Failure } from '../src/index.ts';
import { useTemporaryFolder } from './spool/temporary-folder.ts';

/** Small, so that a quota is used up and whole again within seconds. It is counted over ten of them. */
const tenantEventsPerSecond = 40;
const tenantQuota = 10 * tenantEventsPerSecond;
const keyEventsPerSecond = 100;

const folderOf = useTemporaryFolder();
let world: World;
let keyring: Keyring;
let gateway: ServiceProcess;

beforeAll(async () => {
  world = await createWorld();
  keyring = createKeyring(world);
  gateway = await startService('gateway', {
    ...world.env,
    GATEWAY_TENANT_EVENTS_PER_SECOND: String(tenantEventsPerSecond),
    GATEWAY_KEY_EVENTS_PER_SECOND: String(keyEventsPerSecond),
  });
}, 120_000);

afterAll(async () => {
  await gateway.stop();
  await keyring.close();
  await world.close();
}, 60_000);

async function open(): Promise<{ docket: Docket; failures: Failure[] }> {
  const { authorization } = await keyring.make({ scopes: ['events:write'], tenants: '*' });
  const failures: Failure[] = [];
  const docket = createDocket({
    url: gateway.url,
    key: authorization.replace('Bearer ', ''),
    source: { service: 'test' },
    spool: { dir: folderOf() },
    batch: { eventsMax: 50 },
    retry: { baseDelayMs: 50, maxDelayMs: 500 },
    onFailure: (failure) => failures.push(failure),
  });
  // The gateway knows a new key within moments.
  await docket.record(event('first', 0));
  await eventually(() => docket.stats().accepted === 1, { what: 'a key that is known' });
  failures.length = 0;
  return { docket, failures };
}

const event = (tenantId: string, n: number) => ({
  tenant_id: tenantId,
  action: 'step.done',
  actor: { type: 'user', id: 'u_1' },
  metadata: { n },
});

const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n));

/** `metadata.n` of the tenant's events, in the order of the log. */
async function loggedOf(tenantId: string): Promise<string[]> {
  const decode = createEventDecoder(auditEventAvro);
  const rules = { partitions: world.partitions, decoderOf: () => decode, mac: createRecordMac([]) };
  const logged: string[] = [];
  await readTopic(world.kafka, {
    topic: world.kafka.topics.events.name,
    onRecords: (records) => {
      for (const record of records) {
        const reading = readRecord(record, rules);
        if (reading.kind === 'event' && reading.event.tenant_id === tenantId)
          logged.push(reading.event.metadata['n'] ?? '');
      }
    },
  });
  return logged;
}

async function recordAll(docket: Docket, tenantId: string, count: number): Promise<void> {
  const outcomes = await Promise.all(Array.from({ length: count }, (_, n) => docket.record(event(tenantId, n))));
  expect(outcomes.every(({ ok }) => ok)).toBe(true);
}

describe('the quotas of a real gateway', () => {
  test('I7: a tenant over its quota waits alone; its events come late, each once, in their order', async () => {
    const { docket, failures } = await open();
    const busy = tenantQuota + 8 * tenantEventsPerSecond;
    const held = recordAll(docket, 'busy', busy);
    await recordAll(docket, 'other', 50);
    await held;
    let waiting = 0;
    const isOtherLogged = async (): Promise<boolean> => {
      waiting = docket.stats().queuedEvents;
      return (await loggedOf('other')).length === 50;
    };
    await eventually(isOtherLogged, { what: 'all of the other tenant' });
    expect(waiting).toBeGreaterThan(0);
    expect(failures.map(({ reason }) => reason)).toContain('unavailable');
    expect(await docket.close({ deadlineMs: 60_000 })).toEqual({ ok: true });
    expect(await loggedOf('other')).toEqual(numbers(50));
    expect(await loggedOf('busy')).toEqual(numbers(busy));
    expect(docket.stats()).toMatchObject({ recorded: busy + 51, accepted: busy + 51, refused: 0, rejected: {} });
  }, 120_000);

  test('a key over its quota sends later what its tenants recorded, each event once', async () => {
    const { docket } = await open();
    const tenants = ['one', 'two', 'three', 'four'];
    // Within the quota of each tenant, together half as much again as the key's.
    const each = (15 * keyEventsPerSecond) / tenants.length;
    await Promise.all(tenants.map((tenantId) => recordAll(docket, tenantId, each)));
    expect(await docket.close({ deadlineMs: 60_000 })).toEqual({ ok: true });
    for (const tenantId of tenants) expect(await loggedOf(tenantId)).toEqual(numbers(each));
    expect(docket.stats().requestsFailed).toBeGreaterThan(0);
  }, 120_000);
});
