import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { timesOf, type Times } from '../query/measure.ts';
import type { LoadOrder } from './load.ts';
import type { Site } from './site.ts';

const receiptBytes = 16;
const receivedDeadlineMs = 120_000;

/**
 * Publishes at a steady rate, waits until endpoints `from` up to, but not including, `to` have acknowledged everything, and gives the times from
 * Kafka's acknowledgement of an event to its first receipt there. What is published in the first fifth warms up and is not counted.
 */
export async function measureLatency(
  site: Site,
  order: LoadOrder,
  [from, to]: readonly [number, number],
): Promise<Times> {
  const { load, receivers, endpoints } = site;
  const warmUp = Math.floor(order.events / 5);
  await load.publish({ ...order, events: warmUp });
  const before = endpoints.map(({ tenant }) => load.published(tenant));
  await load.publish({ ...order, events: order.events - warmUp });
  await site.untilAcknowledged(from, to, receivedDeadlineMs);
  const after = endpoints.map(({ tenant }) => load.published(tenant));
  const file = join(site.directory, 'receipts');
  await receivers.dump(file);
  const [receipts, acknowledged] = await Promise.all([readFile(file), load.acknowledgedAtMs()]);
  const samples: number[] = [];
  for (let at = 0; at < receipts.length; at += receiptBytes) {
    const endpoint = receipts.readInt32BE(at);
    const seq = receipts.readInt32BE(at + 4);
    const isCounted = seq > (before[endpoint] ?? 0) && seq <= (after[endpoint] ?? 0);
    if (endpoint < from || endpoint >= to || !isCounted) continue;
    const acknowledgedAtMs = acknowledged.get(endpoints[endpoint]?.tenant ?? 0)?.[seq];
    if (acknowledgedAtMs === undefined) throw new Error(`endpoint ${endpoint} has seq ${seq}, which was not published`);
    // A receiver may have the event before the producer has Kafka's answer.
    samples.push(Math.max(0, receipts.readDoubleBE(at + 8) - acknowledgedAtMs));
  }
  const expected = endpoints.slice(from, to).reduce((sum, _, index) => {
    const endpoint = from + index;
    return sum + (after[endpoint] ?? 0) - (before[endpoint] ?? 0);
  }, 0);
  if (samples.length !== expected) throw new Error(`${samples.length} first receipts of ${expected} events`);
  return timesOf(samples);
}
