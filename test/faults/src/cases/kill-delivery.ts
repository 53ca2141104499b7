import { eventually } from '@docket/testkit';
import { batchEventsMax, createDeliveries } from '../deliveries.ts';
import { deliveryPhases, startClickHouseProxy } from '../delivery-phases.ts';
import { spreadOf, type FaultCase } from '../fault-case.ts';

const rounds = 4;
const eventsEachPerSecond = 20;
/** A checkpoint every 200 ms, and the time that Kafka takes for it. */
const checkpointMs = 500;
const resumedDeadlineMs = 60_000;

/** SIGKILL in each phase of delivery's work, while producers go on. */
export const killDelivery: FaultCase = {
  name: 'kill-delivery',
  promise:
    'I6: SIGKILL in any phase loses nothing and reorders no first receipt; what comes again was under way or within one checkpoint interval',
  async run({ say, row }) {
    const deliveries = await createDeliveries();
    const { receivers } = deliveries;
    const clickhouse = await startClickHouseProxy(deliveries);
    const ingestor = await deliveries.startIngestor();
    const producing = deliveries.produce(eventsEachPerSecond);
    const resumedMs: number[] = [];
    let repeatsMax = 0;
    for (let round = 0; round < rounds; round += 1) {
      for (const phase of deliveryPhases) {
        const { delivery, afterDeath } = await phase.reach(deliveries, clickhouse);
        // One batch of each subscription may be under way.
        repeatsMax += receivers.length * batchEventsMax + deliveries.acknowledgedWithin(checkpointMs);
        await delivery.kill('SIGKILL');
        afterDeath();
        const before = deliveries.acknowledged();
        const beganAtMs = performance.now();
        const successor = await deliveries.startUnready();
        await eventually(() => deliveries.acknowledged() > before, {
          what: `an acknowledgement after SIGKILL in "${phase.name}"`,
          deadlineMs: resumedDeadlineMs,
          intervalMs: 10,
        });
        resumedMs.push(performance.now() - beganAtMs);
        say(
          `SIGKILL in "${phase.name}": next acknowledgement after ${spreadOf(resumedMs.slice(-1)).split(',')[0]?.slice(4)} s`,
        );
        await successor.stop();
      }
    }
    await producing.stop();
    const last = await deliveries.startDelivery();
    await deliveries.untilDelivered('everything that was published');
    await last.stop();
    await ingestor.stop();
    await clickhouse.close();
    const outcome = await deliveries.finish(repeatsMax);
    row({
      fault: 'SIGKILL',
      target: `delivery: ${deliveryPhases.length} phases`,
      times: resumedMs.length,
      figures: `next acknowledgement after ${spreadOf(resumedMs)}; ${outcome}`,
    });
  },
};
