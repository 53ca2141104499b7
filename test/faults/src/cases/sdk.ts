import { createWorld, eventually, startService, type ServiceProcess, type World } from '@docket/testkit';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectThat, type FaultCase, type FaultContext } from '../fault-case.ts';
import { makeKey } from '../make-key.ts';
import { checkRecorded, countRecorded } from '../recorded.ts';
import { endRecordingApps, startRecordingApp, type RecordingApp } from '../recording-apps.ts';

const eventsTotal = 200_000;
const appKills = 20;
/** After these kills of an application the gateway, or Kafka, is hit as well. */
const isGatewayKill = (kill: number): boolean => kill % 2 === 0;
const kafkaRestarts: ReadonlySet<number> = new Set([7, 14]);
/** So that the kills fall into the whole time in which the events are recorded. */
const ratePerApp = 1_500;
const stepDeadlineMs = 180_000;

/** Two workers record on one spool folder, while they, the gateway and Kafka are killed under them. */
export const sdk: FaultCase = {
  name: 'sdk',
  promise:
    'every event that record() has confirmed is stored once, with applications, gateway and Kafka killed meanwhile',
  async run(context) {
    const world = await createWorld();
    const dir = await mkdtemp(join(tmpdir(), 'docket-sdk-'));
    const ingestor = await startService('ingestor', world.env);
    const gatewayOf = (port: string): Promise<ServiceProcess> =>
      startService('gateway', { ...world.env, HTTP_PORT: port });
    let gateway = await gatewayOf('0');
    try {
      const restartGateway = async (): Promise<void> => {
        await gateway.kill('SIGKILL');
        gateway = await gatewayOf(new URL(gateway.url).port);
      };
      await killAll(context, { world, dir, gatewayUrl: gateway.url, restartGateway });
    } finally {
      endRecordingApps();
      await gateway.stop();
      await ingestor.stop();
      await world.close();
      await rm(dir, { recursive: true, force: true });
    }
  },
};

interface Scene {
  readonly world: World;
  readonly dir: string;
  readonly gatewayUrl: string;
  readonly restartGateway: () => Promise<void>;
}

async function killAll(
  { stack, say, row }: FaultContext,
  { world, dir, gatewayUrl, restartGateway }: Scene,
): Promise<void> {
  const idsFile = join(dir, 'ids');
  const key = await makeKey(world, { scopes: ['events:write'], tenants: '*' });
  const start = (NAME: string, more: Readonly<Record<string, string>> = {}): RecordingApp =>
    startRecordingApp({
      DOCKET_URL: gatewayUrl,
      DOCKET_KEY: key,
      SPOOL_DIR: join(dir, 'spool'),
      IDS_FILE: idsFile,
      RATE: String(ratePerApp),
      NAME,
      ...more,
    });
  const reached = (events: number): Promise<boolean> =>
    eventually(() => countRecorded(idsFile) >= events, {
      what: `${events} recorded events`,
      deadlineMs: stepDeadlineMs,
    });
  let apps = [start('worker-0'), start('worker-1')];
  let gatewayKills = 0;
  for (let kill = 1; kill <= appKills; kill += 1) {
    await reached((eventsTotal / (appKills + 1)) * kill);
    const index = kill % 2;
    apps[index]?.child.kill('SIGKILL');
    await apps[index]?.exited;
    if (kafkaRestarts.has(kill)) {
      await stack.kafka.kill('SIGKILL');
      await stack.kafka.start();
    }
    apps = apps.with(index, start(`worker-${index}`));
    if (isGatewayKill(kill)) {
      gatewayKills += 1;
      await restartGateway();
    }
    say(`kill ${kill} of ${appKills}: ${countRecorded(idsFile)} events are recorded`);
  }
  await reached(eventsTotal);
  for (const { child } of apps) child.kill('SIGTERM');
  await Promise.all(apps.map(({ exited }) => exited));
  // What the last kills left is sent by whoever comes next.
  const last = start('worker-2', { EVENTS: '50' });
  await last.exited;
  expectThat(last.output().includes('closed {"ok":true'), last.output());
  const figures = await checkRecorded(world, idsFile, stepDeadlineMs);
  say(figures);
  const target = `applications ${appKills} times, gateway ${gatewayKills}, Kafka ${kafkaRestarts.size}`;
  row({ fault: 'SIGKILL', target, times: appKills + gatewayKills + kafkaRestarts.size, figures });
}
