import type { Component } from '@docket/local-stack';
import { eventually } from '@docket/testkit';
import { batchEventsMax, createDeliveries, type Deliveries } from '../deliveries.ts';
import { spreadOf, type FaultCase } from '../fault-case.ts';

const times = 3;
const goneOnDeadlineMs = 120_000;
const eventsEach = 200;

/** SIGKILL of Kafka and of ClickHouse under one delivery process, which is never restarted. */
export const deliveryServers: FaultCase = {
  name: 'delivery-servers',
  promise: 'I6: SIGKILL of Kafka or ClickHouse loses and reorders nothing, and delivery goes on by itself',
  async run({ stack, say, row }) {
    const deliveries = await createDeliveries();
    const ingestor = await deliveries.startIngestor();
    // So little that catch-up is needed again and again.
    const delivery = await deliveries.startDelivery({ DELIVERY_TAIL_BYTES_MAX: '65536' });
    const ofClickHouse: number[] = [];
    const ofKafka: number[] = [];
    for (let round = 0; round < times; round += 1) {
      ofClickHouse.push(await killUnder(deliveries, stack.clickhouse));
      ofKafka.push(await killUnder(deliveries, stack.kafka));
      say(`SIGKILL of both, round ${round + 1}: ${deliveries.published()} events published and acknowledged`);
    }
    await delivery.stop();
    await ingestor.stop();
    // Kafka was away for cursors, too: what was acknowledged meanwhile is in the memory of the process that goes on.
    const repeatsMax = deliveries.receivers.length * batchEventsMax * times * 2;
    const outcome = await deliveries.finish(repeatsMax);
    row({
      fault: 'SIGKILL',
      target: 'ClickHouse, under delivery',
      times,
      figures: `all delivered ${spreadOf(ofClickHouse)} after it answered again`,
    });
    row({
      fault: 'SIGKILL',
      target: 'Kafka, under delivery',
      times,
      figures: `all delivered ${spreadOf(ofKafka)} after it answered again; ${outcome}`,
    });
  },
};

async function killUnder(deliveries: Deliveries, server: Component): Promise<number> {
  const before = deliveries.acknowledged();
  await deliveries.publish(eventsEach);
  await eventually(() => deliveries.acknowledged() > before, { what: 'a delivery that is under way', intervalMs: 5 });
  await server.kill('SIGKILL');
  await server.start();
  const answeredAtMs = performance.now();
  await deliveries.publish(1);
  await deliveries.untilDelivered(`everything after SIGKILL of ${server.name}`, goneOnDeadlineMs);
  return performance.now() - answeredAtMs;
}
