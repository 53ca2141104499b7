import { randomBytes } from 'node:crypto';

import { afterEach, beforeEach } from '@jest/globals';
import { createWorld, startService } from '@docket/testkit';
import type { ServiceProcess, World } from '@docket/testkit';

import { deliveryEnv, startDelivery, subscribe } from './delivery-for-tests.ts';
import type { Subscriber } from './delivery-for-tests.ts';

/** Of admin, until there are keys. */
export const token = randomBytes(24).toString('hex');

/** What a test starts; all of it ends with the test. */
export interface Installation {
  /** Of the test that runs. */
  readonly world: World;
  delivery(changes?: Record<string, string>): Promise<ServiceProcess>;
  ingestor(): Promise<ServiceProcess>;
  admin(): Promise<ServiceProcess>;
  subscriber(tenantId: string, options?: Parameters<typeof subscribe>[2]): Promise<Subscriber>;
}

/** An installation of its own for each test of the file. */
export function createInstallation({ partitions }: { readonly partitions: number }): Installation {
  const processes: ServiceProcess[] = [];
  const subscribers: Subscriber[] = [];
  let current: World | undefined;

  beforeEach(async () => {
    current = await createWorld({ partitions });
  }, 60_000);

  afterEach(async () => {
    for (const process of processes.splice(0)) await process.kill('SIGKILL');
    for (const { receiver } of subscribers.splice(0)) await receiver.close();
    await current?.close();
  }, 60_000);

  const worldNow = (): World => {
    if (current === undefined) throw new Error('there is an installation only while a test runs');
    return current;
  };
  const running = async (starting: Promise<ServiceProcess>): Promise<ServiceProcess> => {
    const process = await starting;
    processes.push(process);
    return process;
  };

  return {
    get world() {
      return worldNow();
    },
    delivery: (changes) => running(startDelivery(worldNow(), changes)),
    ingestor: () => running(startService('ingestor', { ...worldNow().env })),
    admin: () => running(startService('admin', { ...deliveryEnv(worldNow()), DOCKET_BOOTSTRAP_TOKEN: token })),
    subscriber: async (tenantId, options) => {
      const made = await subscribe(worldNow(), tenantId, options);
      subscribers.push(made);
      return made;
    },
  };
}
