import { createWorld, eventually, startService } from '@docket/testkit';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectThat, type FaultCase } from '../fault-case.ts';
import { makeKey } from '../make-key.ts';
import { checkRecorded, countRecorded } from '../recorded.ts';
import { endRecordingApps, startRecordingApp } from '../recording-apps.ts';

const events = 20_000;
/** Each in a mount namespace of the application's own, which needs no privileges on most Linux systems; DIR is the spool. */
const disks = [
  // Full after some thousand events.
  { name: 'full', mount: 'mount -t tmpfs -o size=4m tmpfs "$DIR"' },
  { name: 'read-only', mount: 'mount -t tmpfs tmpfs "$DIR" && mount -o remount,ro "$DIR"' },
];
const stepDeadlineMs = 180_000;

/** The gateway is away while the spool's disk fails: what is recorded is kept in memory, and sent when the gateway is there. */
export const sdkDisk: FaultCase = {
  name: 'sdk-disk',
  promise: 'with a full or a read-only disk every event that record() has confirmed is stored once',
  async run({ row, say }) {
    const world = await createWorld();
    const dir = await mkdtemp(join(tmpdir(), 'docket-sdk-'));
    const ingestor = await startService('ingestor', world.env);
    const key = await makeKey(world, { scopes: ['events:write'], tenants: '*' });
    let gateway = await startService('gateway', world.env);
    try {
      for (const { name, mount } of disks) {
        const { port } = new URL(gateway.url);
        await gateway.stop();
        const idsFile = join(dir, 'ids');
        const DIR = join(dir, name);
        await mkdir(DIR);
        const before = countRecorded(idsFile);
        const app = startRecordingApp(
          {
            DOCKET_URL: `http://127.0.0.1:${port}`,
            DOCKET_KEY: key,
            DIR,
            SPOOL_DIR: DIR,
            IDS_FILE: idsFile,
            NAME: name,
            EVENTS: String(events),
            RATE: '10000',
            // Of several tenants each gets no more than the others leave.
            MEMORY_EVENTS: String(2 * events),
          },
          ['unshare', '-rm', 'sh', '-c', `${mount} && exec "$@"`, 'sh'],
        );
        await eventually(() => app.output().includes('recorded {'), {
          what: `${events} events`,
          deadlineMs: stepDeadlineMs,
        });
        gateway = await startService('gateway', { ...world.env, HTTP_PORT: port });
        await app.exited;
        const output = app.output();
        const kept = /recorded (\{.*\})/.exec(output)?.[1] ?? '';
        expectThat(output.includes('closed {"ok":true'), output);
        expectThat(
          countRecorded(idsFile) - before === events,
          `${countRecorded(idsFile) - before} of ${events} recorded`,
        );
        expectThat(output.includes('spool_unavailable: '), `no warning of the ${name} disk: ${output}`);
        const figures = `kept ${kept}; ${await checkRecorded(world, idsFile, stepDeadlineMs)}`;
        say(`${name} disk: ${figures}`);
        row({ fault: `${name} disk`, target: "the SDK's spool, gateway away", times: 1, figures });
      }
    } finally {
      endRecordingApps();
      await gateway.stop();
      await ingestor.stop();
      await world.close();
      await rm(dir, { recursive: true, force: true });
    }
  },
};
