import type { ServiceProcess } from '@docket/testkit';
import { setTimeout as pause } from 'node:timers/promises';
import { batchEventsMax, createDeliveries, type Deliveries } from '../deliveries.ts';
import type { FaultCase } from '../fault-case.ts';

const eventsEachPerSecond = 20;
const stepSeconds = 8;
/** A member that is killed is missed after its session; what the others send meanwhile is not repeated. */
const checkpointMs = 500;

interface Step {
  readonly name: string;
  readonly change: (running: ServiceProcess[], deliveries: Deliveries) => Promise<void>;
}

const start: Step['change'] = async (running, deliveries) => void running.push(await deliveries.startDelivery());
const kill: Step['change'] = async (running) => running.shift()?.kill('SIGKILL');
const stop: Step['change'] = async (running) => void (await running.shift()?.stop());

const steps: readonly Step[] = [
  { name: 'a second instance joins', change: start },
  { name: 'one of two is killed', change: kill },
  { name: 'it is started again', change: start },
  { name: 'one of two stops', change: stop },
  { name: 'a third one joins the rest', change: start },
  { name: 'one of them is killed', change: kill },
];

/** Instances of delivery come, go and die while a producer goes on. */
export const shareDelivery: FaultCase = {
  name: 'share-delivery',
  promise:
    'I6: two instances that share, lose and take over partitions under load lose nothing and reorder no first receipt',
  async run({ say, row }) {
    const deliveries = await createDeliveries();
    const ingestor = await deliveries.startIngestor();
    const running: ServiceProcess[] = [];
    await start(running, deliveries);
    const producing = deliveries.produce(eventsEachPerSecond);
    let repeatsMax = 0;
    for (const { name, change } of steps) {
      await pause(stepSeconds * 1_000);
      // At each change every subscription may have a batch under way, and a checkpoint to write.
      repeatsMax += deliveries.receivers.length * batchEventsMax + deliveries.acknowledgedWithin(checkpointMs);
      await change(running, deliveries);
      say(`${name}: ${deliveries.acknowledged()} of ${deliveries.published()} events acknowledged`);
    }
    await producing.stop();
    await deliveries.untilDelivered('everything that was published');
    await Promise.all(running.map((delivery) => delivery.stop()));
    await ingestor.stop();
    const figures = await deliveries.finish(repeatsMax);
    row({ fault: 'rebalance, SIGKILL', target: 'two instances of delivery', times: steps.length, figures });
  },
};
