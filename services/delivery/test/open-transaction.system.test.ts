import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { partitionOf } from '@docket/event';
import { checkBatchChain, eventually, runKafkaProgram } from '@docket/testkit';

import { bodiesOf, record, untilAccepted } from './delivery-for-tests.ts';
import type { Subscriber } from './delivery-for-tests.ts';
import { createInstallation } from './installation-for-tests.ts';

const partitions = 2;
const site = createInstallation({ partitions });
const leaveTransaction = fileURLToPath(new URL('LeaveTransaction.java', import.meta.url));
/** On the other partition. */
const other = ['globex', 'initech', 'umbrella', 'hooli'].find(
  (name) => partitionOf(name, partitions) !== partitionOf('acme', partitions),
);

/** What a batch says of times, in ms: of its events, and of a proof. */
function timesOf(body: unknown): { readonly receivedAtMs: readonly number[]; readonly asOfMs: number | undefined } {
  const text = JSON.stringify(body);
  const asOf = /"as_of":"([^"]+)"/.exec(text)?.[1];
  const received = [...text.matchAll(/"received_at":"([^"]+)"/g)].map((found) => Date.parse(found[1] ?? ''));
  return { receivedAtMs: received, asOfMs: asOf === undefined ? undefined : Date.parse(asOf) };
}

const proofsOf = ({ receiver }: Subscriber): number[] =>
  bodiesOf(receiver.accepted()).flatMap((body) => timesOf(body).asOfMs ?? []);

test('while a transaction of a foreign producer is open, nothing is proved of its partition: what it hides may have come before', async () => {
  const [hidden, seen] = [await site.subscriber('acme'), await site.subscriber(other ?? '')];
  const { world } = site;
  await site.delivery({ DELIVERY_PROOF_INTERVAL_SECONDS: '1' });
  const ids = await record(world, 'acme', 3);
  await record(world, other ?? '', 3);
  await eventually(() => proofsOf(hidden).length > 0 && proofsOf(seen).length > 0, { what: 'a proof of each' });

  const foreign = (order: 'open' | 'end'): Promise<string> => {
    const topic = world.kafka.topics.events.name;
    const partition = String(partitionOf('acme', partitions));
    const brokers = world.env['KAFKA_BROKERS'] ?? '';
    return runKafkaProgram(leaveTransaction, [brokers, topic, partition, `${topic}-foreign`, order]);
  };
  await foreign('open');
  ids.push(...(await record(world, 'acme', 2)));
  const hiddenSinceMs = Date.now();
  await eventually(() => proofsOf(seen).filter((asOfMs) => asOfMs > hiddenSinceMs).length >= 3, {
    what: 'three proofs of the other partition',
  });
  expect(proofsOf(hidden).filter((asOfMs) => asOfMs > hiddenSinceMs)).toEqual([]);

  await foreign('end');
  await untilAccepted(hidden.receiver, ids);
  const endedAtMs = Date.now();
  await eventually(() => proofsOf(hidden).some((asOfMs) => asOfMs > endedAtMs), { what: 'a proof behind its end' });
  const bodies = bodiesOf(hidden.receiver.accepted());
  const report = checkBatchChain(bodies);
  expect(report.problems).toEqual([]);
  expect(report.events.map(({ id }) => id)).toEqual(ids);
  // As a receiver checks it: nothing comes that was received before what has been proved.
  let provedMs = 0;
  for (const { receivedAtMs, asOfMs } of bodies.map(timesOf)) {
    expect(Math.min(Number.POSITIVE_INFINITY, ...receivedAtMs)).toBeGreaterThanOrEqual(provedMs);
    provedMs = asOfMs ?? provedMs;
  }
}, 120_000);
