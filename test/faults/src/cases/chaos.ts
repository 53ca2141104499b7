import { eventually, type Receiver, type World } from '@docket/testkit';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createChaosScene, type ChaosScene } from '../chaos-scene.ts';
import { expectThat, type FaultCase, type FaultContext } from '../fault-case.ts';
import { followFeed, type FeedFollower } from '../feed-follower.ts';
import { acknowledgedIds, checkReceipts } from '../receipts.ts';
import { checkRecorded } from '../recorded.ts';
import { endRecordingApps, startRecordingApp, type RecordingApp } from '../recording-apps.ts';
import type { Restartable } from '../restartable.ts';

const faults = Number(process.env['CHAOS_FAULTS'] ?? 60);
const ratePerApp = 150;
const pulledTenant = 't0';
/** What comes after the last fault: sessions that expire, back-off of receivers and applications, the backlog. */
const settledDeadlineMs = 240_000;

type Victim = Pick<Restartable, 'name' | 'kill' | 'start' | 'suspend' | 'resume'>;

/** Anything may die or freeze at any moment, several at once, while two applications record, ten receivers take and one SIEM pulls. */
export const chaos: FaultCase = {
  name: 'chaos',
  promise:
    'I1–I6 for the whole: with every process killed or frozen at random, what was recorded is stored, delivered and pulled, once, in order',
  async run(context) {
    const scene = await createChaosScene();
    try {
      await strike(context, scene);
    } finally {
      endRecordingApps();
      await scene.close();
    }
  },
};

async function strike(context: FaultContext, scene: ChaosScene): Promise<void> {
  const { say, row } = context;
  const { world, dir, receivers } = scene;
  const idsFile = join(dir, 'ids');
  const apps = ['worker-0', 'worker-1'].map((name) => createApp(scene, name, idsFile));
  for (const app of apps) await app.start();
  const follower = followFeed(scene.gatewayUrl, scene.readKey, pulledTenant);
  const { kafka, clickhouse } = context.stack;
  const victims: Victim[] = [...scene.services, ...apps, ...[kafka, clickhouse].map(asVictim)];
  const down = new Set<Victim>();
  const recovering: Promise<void>[] = [];
  const struck = new Map<string, number>();
  for (let fault = 0; fault < faults; fault += 1) {
    await pause(randomInt(200, 3_000));
    const standing = victims.filter((one) => !down.has(one));
    const victim = standing[randomInt(standing.length)];
    if (victim === undefined) continue;
    down.add(victim);
    struck.set(victim.name, (struck.get(victim.name) ?? 0) + 1);
    recovering.push(strikeOne(victim, say).finally(() => down.delete(victim)));
  }
  await Promise.all(recovering);
  say(`${faults} faults: ${[...struck].map(([name, times]) => `${name} ${times}`).join(', ')}`);
  for (const app of apps) await app.end();
  // What the last kills left is sent by whoever comes next.
  const last = startRecordingApp({ ...envOf(scene, 'worker-2', idsFile), EVENTS: '50' });
  await last.exited;
  expectThat(last.output().includes('closed {"ok":true'), last.output());
  const figures = await checkRecorded(world, idsFile, settledDeadlineMs);
  const pulled = await untilPulled(world, follower);
  let delivered = 0;
  for (const [tenantId, receiver] of receivers) delivered += await untilDelivered(world, tenantId, receiver);
  await scene.stop();
  const outcome = `${figures}; pulled ${pulled}; delivered ${delivered} in order, complete`;
  say(outcome);
  row({ fault: 'SIGKILL, SIGSTOP', target: 'everything, at random', times: faults, figures: outcome });
}

/** Two thirds are killed and come back after a moment, the others freeze: some for longer than a session of Kafka. */
async function strikeOne(victim: Victim, say: (line: string) => void): Promise<void> {
  const forMs = randomInt(100, randomInt(2) === 0 ? 3_000 : 9_000);
  const freezes = randomInt(3) === 0;
  say(`${freezes ? 'SIGSTOP' : 'SIGKILL'} of ${victim.name} for ${forMs} ms`);
  await (freezes ? victim.suspend() : victim.kill());
  await pause(forMs);
  await (freezes ? victim.resume() : victim.start());
}

function asVictim(server: FaultContext['stack']['kafka']): Victim {
  return {
    name: server.name,
    kill: () => server.kill('SIGKILL'),
    start: () => server.start(),
    suspend: async () => server.suspend(),
    resume: async () => server.resume(),
  };
}

function envOf(scene: ChaosScene, name: string, idsFile: string): Readonly<Record<string, string>> {
  return {
    DOCKET_URL: scene.gatewayUrl,
    DOCKET_KEY: scene.writeKey,
    SPOOL_DIR: join(scene.dir, 'spool'),
    IDS_FILE: idsFile,
    RATE: String(ratePerApp),
    NAME: name,
  };
}

function createApp(scene: ChaosScene, name: string, idsFile: string): Victim & { end(): Promise<void> } {
  let running: RecordingApp | undefined;
  const signal = (with_: NodeJS.Signals): void => void running?.child.kill(with_);
  const ended = async (how: NodeJS.Signals): Promise<void> => {
    signal(how);
    await running?.exited;
  };
  return {
    name,
    start: async () => {
      running = startRecordingApp(envOf(scene, name, idsFile));
    },
    kill: () => ended('SIGKILL'),
    suspend: async () => signal('SIGSTOP'),
    resume: async () => signal('SIGCONT'),
    end: () => ended('SIGTERM'),
  };
}

/** The ids that the log of a tenant holds for its readers, in the order of seq. */
async function idsOf({ clickhouse }: World, tenantId: string): Promise<string[]> {
  const sql = `SELECT toString(id) AS id FROM audit_events WHERE tenant_id = {tenantId:String} AND status IN ('accepted', 'conflict') ORDER BY seq`;
  return (await clickhouse.query<{ id: string }>(sql, { tenantId })).map(({ id }) => id);
}

async function untilPulled(world: World, follower: FeedFollower): Promise<string> {
  // Reading is told in the same log, so that it never ends for good: what was there now is what is awaited.
  const wanted = await idsOf(world, pulledTenant);
  const isPulled = (): boolean => {
    if (follower.ids.length >= wanted.length) return true;
    throw new Error(`${follower.ids.length} were pulled`, { cause: follower.lastFailure() });
  };
  await eventually(isPulled, { what: `${wanted.length} pulled events`, deadlineMs: settledDeadlineMs });
  await follower.stop();
  const { ids, problems } = follower;
  expectThat(problems.length === 0, `the feed: ${problems.slice(0, 3).join('; ')}`);
  const wrong = wanted.findIndex((id, index) => ids[index] !== id);
  expectThat(wrong < 0, `the feed's event ${wrong + 1} is ${ids[wrong]}, in the log it is ${wanted[wrong]}`);
  return `${ids.length} in order, over ${follower.failures()} failed calls`;
}

/** Gives how many events the tenant's receiver has acknowledged; complete, and first receipts in order. */
async function untilDelivered(world: World, tenantId: string, receiver: Receiver): Promise<number> {
  const wanted = await idsOf(world, tenantId);
  await eventually(
    () => {
      const acknowledged = acknowledgedIds(receiver);
      return wanted.every((id) => acknowledged.has(id));
    },
    { what: `${wanted.length} events of ${tenantId} at its receiver`, deadlineMs: settledDeadlineMs, intervalMs: 500 },
  );
  return checkReceipts(tenantId, receiver, wanted).acknowledged.size;
}
