import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRecordMac, newEventId } from '@docket/event';
import type { PublishRecord } from '@docket/kafka';
import {
  createWorld,
  eventInput,
  eventRecord,
  publishRecords,
  runDocket,
  startService,
  type World,
} from '@docket/testkit';
import { untilStored } from '../operator-world.ts';

const keys = { retired: newKey(), signing: newKey(), early: newKey() };

function newKey(): string {
  return randomBytes(32).toString('hex');
}

describe('events of our own, by their MAC', () => {
  let world: World;
  let ingestorEnv: Record<string, string>;
  let signed: PublishRecord;

  function own(id: string, key?: string, tenantId = 'acme'): PublishRecord {
    const record = eventRecord(world, eventInput('acme', { id, action: 'docket.log.searched' }));
    if (key === undefined || record.value === null) return record;
    return { ...record, headers: createRecordMac([Buffer.from(key, 'hex')]).sign(tenantId, record.value) };
  }

  async function verifyWith(...known: string[]): Promise<{ code: number | null; output: string }> {
    return runDocket(['verify'], { ...world.env, DOCKET_MAC_KEYS: known.join(',') });
  }

  beforeAll(async () => {
    world = await createWorld({ partitions: 2 });
    ingestorEnv = { ...world.env, DOCKET_MAC_KEYS: `${keys.signing},${keys.retired}` };
    signed = own(newEventId(), keys.signing);
    await publishRecords(world, [
      eventRecord(world, eventInput('acme')),
      signed,
      own(newEventId(), keys.retired),
      own(newEventId()),
      own(newEventId(), keys.signing, 'globex'),
      own(newEventId(), keys.early),
      signed,
    ]);
    const ingestor = await startService('ingestor', ingestorEnv);
    await untilStored(world, 'acme', 7);
    await ingestor.stop();
  }, 120_000);
  afterAll(() => world.close(), 60_000);

  test('only those that are signed for this tenant with a known key are stored as events', async () => {
    const rows = await world.clickhouse.query<{ said: string }>(
      `SELECT concat(toString(status), ' ', splitByChar(':', status_detail)[1]) AS said FROM audit_events
       WHERE tenant_id = 'acme' ORDER BY seq`,
    );
    expect(rows.map(({ said }) => said.trim())).toEqual([
      'accepted',
      'accepted',
      'accepted',
      'quarantined reserved',
      'quarantined reserved',
      'quarantined unknown_mac_key',
      'duplicate',
    ]);
  });

  test('docket verify agrees, record by record', async () => {
    const { code, output } = await verifyWith(keys.signing, keys.retired);
    expect(output).toMatch(/7 records recomputed: I2, I3, I4 hold$/m);
    expect(code).toBe(0);
  }, 60_000);

  test('docket verify takes a record whose key came too late as judged in its day', async () => {
    const { code, output } = await verifyWith(keys.early, keys.signing, keys.retired);
    expect(output).toContain('I2, I3, I4 hold');
    expect(output).toMatch(/1 row.*in (?:its|their) day/);
    expect(code).toBe(0);
  }, 60_000);

  test('docket verify names a key that was taken away while Kafka holds what it signed', async () => {
    const { code, output } = await verifyWith(keys.signing);
    expect(output.match(/^FINDING .*$/gm)).toEqual([
      expect.stringMatching(
        /^FINDING unverifiable partition \d: offset \d+, log acme, seq 3: unknown_mac_key: .*DOCKET_MAC_KEYS/,
      ),
    ]);
    expect(code).toBe(1);
  }, 60_000);
});
