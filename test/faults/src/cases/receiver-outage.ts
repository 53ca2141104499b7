import { eventually } from '@docket/testkit';
import { createDeliveries, type Deliveries } from '../deliveries.ts';
import { expectThat, type FaultCase, type FaultContext } from '../fault-case.ts';

const eventsEachPerSecond = 10;
/** Ten minutes' worth of events. */
const missedEach = eventsEachPerSecond * 600;
const publishedAtOnce = 500;
const drainedDeadlineMs = 120_000;
/** Refusals back off to some minutes; a change of the subscription is what people do, and is not waited for here. */
const refusalsDeadlineMs = 60_000;
const recoveredDeadlineMs = 180_000;

/** Receivers that are away, and receivers that refuse everything for a while. */
export const receiverOutage: FaultCase = {
  name: 'receiver-outage',
  promise:
    'I6: after an outage of ten minutes’ worth of events, or a time of 400 to everything, all of it arrives in order; nothing is parked',
  async run(context) {
    await isAway(context);
    await refusesAll(context);
  },
};

/** Far more is missed than the tail holds, so it is drained from ClickHouse, while live events go on. */
const isAway = async ({ say, row }: FaultContext): Promise<void> => {
  const deliveries = await createDeliveries({ tenants: 3 });
  const ingestor = await deliveries.startIngestor();
  const delivery = await deliveries.startDelivery({ DELIVERY_TAIL_BYTES_MAX: '262144' });
  await deliveries.publish(10);
  await deliveries.untilDelivered('the first events');
  answerAll(deliveries, 503);
  for (let each = 0; each < missedEach; each += publishedAtOnce) await deliveries.publish(publishedAtOnce);
  await eventually(() => deliveries.receivers.every(({ requests }) => requests.at(-1)?.status === 503), {
    what: 'a refused try at each receiver',
    deadlineMs: refusalsDeadlineMs,
  });
  const producing = deliveries.produce(eventsEachPerSecond);
  for (const receiver of deliveries.receivers) receiver.answer({ kind: 'ok' });
  const beganAtMs = performance.now();
  await eventually(() => deliveries.acknowledged() >= deliveries.published() - eventsEachPerSecond * 3, {
    what: 'the end of the drain',
    deadlineMs: drainedDeadlineMs,
  });
  const drainSeconds = ((performance.now() - beganAtMs) / 1_000).toFixed(1);
  await producing.stop();
  await deliveries.untilDelivered('everything');
  await delivery.stop();
  await ingestor.stop();
  const outcome = await deliveries.finish(0);
  say(`an outage of ${missedEach} events a receiver was drained ${drainSeconds} s after it, beside live events`);
  row({
    fault: '503',
    target: 'receivers, ten minutes’ worth of events',
    times: 1,
    figures: `drained in ${drainSeconds} s; ${outcome}`,
  });
};

const refusesAll = async ({ say, row }: FaultContext): Promise<void> => {
  const deliveries = await createDeliveries({ tenants: 3 });
  const ingestor = await deliveries.startIngestor();
  const delivery = await deliveries.startDelivery();
  await deliveries.publish(10);
  await deliveries.untilDelivered('the first events');
  answerAll(deliveries, 400);
  const producing = deliveries.produce(eventsEachPerSecond);
  await eventually(
    () => deliveries.receivers.every(({ requests }) => requests.filter(({ status }) => status === 400).length >= 2),
    {
      what: 'two refusals by each receiver',
      deadlineMs: refusalsDeadlineMs,
    },
  );
  for (const receiver of deliveries.receivers) receiver.answer({ kind: 'ok' });
  await producing.stop();
  await deliveries.untilDelivered('everything that was refused', recoveredDeadlineMs);
  await delivery.stop();
  await ingestor.stop();
  const parked = deliveries.receivers
    .flatMap((receiver) => receiver.accepted())
    .filter(({ body }) => !body.includes('"parked":0'));
  expectThat(parked.length === 0, `${parked.length} batches tell of parked events`);
  const outcome = await deliveries.finish(0);
  say(`400 to everything for a while: ${outcome}, nothing parked`);
  row({ fault: '400', target: 'receivers, to everything', times: 1, figures: `${outcome}; nothing parked` });
};

function answerAll({ receivers }: Deliveries, status: number): void {
  for (const receiver of receivers) receiver.answer({ kind: 'status', status });
}
