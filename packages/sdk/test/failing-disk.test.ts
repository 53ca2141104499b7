import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually } from '@docket/testkit';
import { createSender, type Sender } from '../src/sender.ts';
import { createSlots } from '../src/spool/slots.ts';
import type { SpoolStore } from '../src/spool/spool-store.ts';
import { createSpool, type Spool } from '../src/spool/spool.ts';
import type { Sent } from '../src/transport.ts';
import { useTemporaryFolder } from './spool/temporary-folder.ts';

const opened: { sender: Sender; spool: Spool }[] = [];
afterEach(async () => {
  for (const { sender, spool } of opened.splice(0)) {
    await sender.stop();
    await spool.close();
  }
});
const folderOf = useTemporaryFolder();

/** A receiver, what it has taken, and the tenants that are over their quota there. */
function createReceiver() {
  const taken: string[] = [];
  const overQuota = new Set<string>();
  const ofTenant = (tenantId: string): string[] => taken.filter((id) => id.startsWith(`${tenantId}.`));
  const state = {
    isAway: false,
    /** So many of one tenant's events are taken. */
    limit: Infinity,
  };
  return Object.assign(state, {
    overQuota,
    taken,
    ofTenant,
    async send(texts: readonly string[]): Promise<Sent> {
      const events = texts.map((text): { id: string; tenant_id: string } => JSON.parse(text));
      if (state.isAway) return { verdict: 'retry', detail: '' };
      const isOver = (tenantId: string): boolean => overQuota.has(tenantId) || ofTenant(tenantId).length >= state.limit;
      const index = events.findIndex(({ tenant_id }) => isOver(tenant_id));
      if (index >= 0) return { verdict: 'retry', detail: '', tenantsOf: [index] };
      taken.push(...events.map(({ id }) => id));
      return { verdict: 'accepted', putAside: [] };
    },
  });
}

/** A disk that stops taking writes when it is told to. */
function createDisk() {
  const state = { isFull: false };
  const unlessFull =
    <A extends unknown[]>(write: (...given: A) => Promise<void>) =>
    async (...given: A): Promise<void> => {
      if (state.isFull) throw new Error('no space left');
      await write(...given);
    };
  return Object.assign(state, {
    through: (store: SpoolStore): SpoolStore => ({
      ...store,
      append: unlessFull((entries) => store.append(entries)),
      remove: unlessFull((toPlace, held) => store.remove(toPlace, held)),
      removeHeld: unlessFull((tenantId, toPlace) => store.removeHeld(tenantId, toPlace)),
      compact: unlessFull(() => store.compact()),
    }),
  });
}

function openSpool(receiver: ReturnType<typeof createReceiver>, disk = createDisk()) {
  const slots = createSlots({
    dir: folderOf(),
    service: 'app',
    instance: 'host',
    destination: 'test:',
    isPowerSafe: false,
    onDamage: () => undefined,
  });
  const spool = createSpool({
    slots: { ...slots, own: async () => disk.through(await slots.own()), hasRoom: async () => !disk.isFull },
    bytesMax: 100_000_000,
    memory: { eventsMax: 1000, bytesMax: 10_000_000 },
    waitForRoomMs: 0,
    adoptIntervalMs: 60_000,
    textOf: ({ body }) => body,
    onKeep: () => undefined,
    onUnread: () => undefined,
    onFault: () => undefined,
    onEntries: () => sender.wake(),
  });
  const settled: string[] = [];
  const sender = createSender({
    spool,
    transport: { destination: 'test:', send: (texts) => receiver.send(texts) },
    batch: { eventsMax: 10, bytesMax: 1_000_000 },
    retry: { baseDelayMs: 5, maxDelayMs: 20 },
    onSettled: ({ text }) => settled.push(text),
    onRequest: () => undefined,
  });
  opened.push({ sender, spool });
  const append = async (tenantId: string, from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n += 1) {
      const body = JSON.stringify({ id: `${tenantId}.${n}`, tenant_id: tenantId });
      expect(await spool.append({ id: `${n}`, tenantId, body, bytes: body.length, isNumbered: true })).toMatchObject({
        ok: true,
      });
    }
  };
  return { sender, spool, settled, append, disk };
}

const ids = (tenantId: string, count: number) => Array.from({ length: count }, (_, n) => `${tenantId}.${n}`);

/** On a disk that has just stopped taking writes: a tenant that is held back has a row, and more of it stands among the events of another. */
async function holdOnFullDisk(receiver: ReturnType<typeof createReceiver>) {
  const { spool, append, disk, ...more } = openSpool(receiver);
  receiver.overQuota.add('busy');
  await append('busy', 0, 15);
  await eventually(() => spool.size().heldEvents === 15, { what: 'a row on the disk' });
  receiver.isAway = true;
  for (let n = 0; n < 25; n += 1) {
    await append('other', n, n + 1);
    await append('busy', 15 + n, 16 + n);
  }
  disk.isFull = true;
  receiver.isAway = false;
  return { spool, append, disk, ...more };
}

describe('I7: a disk that takes no more writes while a tenant is held back', () => {
  test('keeps nobody waiting, and nothing is sent or told of twice', async () => {
    const receiver = createReceiver();
    const { spool, append, settled } = await holdOnFullDisk(receiver);
    await append('other', 25, 30);
    await append('busy', 40, 45);
    await eventually(() => spool.size().heldEvents === 45, { what: 'what is held back' });
    expect(receiver.ofTenant('other')).toEqual(ids('other', 30));
    expect(receiver.ofTenant('busy')).toEqual([]);
    receiver.overQuota.clear();
    await eventually(() => spool.size().events === 0, { what: 'an empty spool' });
    expect(receiver.ofTenant('busy')).toEqual(ids('busy', 45));
    expect(settled).toHaveLength(75);
    expect(spool.size()).toMatchObject({ bytes: 0, heldEvents: 0 });
  });

  test.each([
    { sent: 0, does: 'does not' },
    { sent: 10, does: 'does not' },
    { sent: 20, does: 'does not' },
    { sent: 30, does: 'does not' },
    { sent: 10, does: 'does' },
    { sent: 30, does: 'does' },
  ])('loses nothing when the process dies after $sent of its events, and the disk $does recover', async (after) => {
    const { sent, does } = after;
    const receiver = createReceiver();
    const { sender, spool, append, disk } = await holdOnFullDisk(receiver);
    await eventually(() => spool.size().heldEvents === 40, { what: 'what is held back' });
    if (does === 'does') {
      disk.isFull = false;
      await append('other', 25, 26);
      await eventually(() => receiver.ofTenant('other').length === 26, { what: 'one more' });
    }
    receiver.limit = sent;
    receiver.overQuota.clear();
    await eventually(() => receiver.ofTenant('busy').length >= sent, { what: 'some of what was held back' });
    await sender.stop();
    await spool.close();

    receiver.limit = Infinity;
    const { spool: next } = openSpool(receiver);
    await eventually(() => receiver.ofTenant('busy').includes('busy.39'), { what: 'what was held back' });
    await eventually(() => next.size().events === 0, { what: 'an empty spool' });
    // What a disk did not forget comes once more; the log takes each id once.
    const logged = new Set(receiver.taken);
    expect([...logged].filter((id) => id.startsWith('busy'))).toEqual(ids('busy', 40));
    expect([...logged].filter((id) => id.startsWith('other'))).toEqual(ids('other', does === 'does' ? 26 : 25));
  });
});
