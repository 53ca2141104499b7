import { expect, test } from '@jest/globals';
import { checkBatchChain, eventually } from '@docket/testkit';
import type { ReceivedRequest } from '@docket/testkit';

import { bodiesOf, record } from './delivery-for-tests.ts';
import { createInstallation } from './installation-for-tests.ts';

const slowMs = 150;
const site = createInstallation({ partitions: 2 });

const rangeOf = ({ body }: ReceivedRequest): { from_seq: number; to_seq: number } =>
  Object(JSON.parse(body.toString())).data.batch;

test('mode window: several batches are under way, answers come in any order, and the cursor moves over what was taken in front; over a failure and a crash nothing is missing', async () => {
  let requests = 0;
  const { receiver } = await site.subscriber('acme', {
    mode: { type: 'window', batches: 4 },
    batch: { max_events: 5, max_wait_ms: 0 },
    behaviour: {
      kind: 'reply',
      // The first of two is always the later one, and one in the middle is not taken at all.
      reply: () => {
        requests += 1;
        return { status: requests === 12 ? 503 : 204, afterMs: requests % 2 === 1 ? slowMs : 0 };
      },
    },
  });
  const ids = await record(site.world, 'acme', 400);
  const first = await site.delivery();
  await eventually(() => receiver.requests.length >= 30, { what: 'thirty requests' });
  await first.kill('SIGKILL');
  const before = receiver.requests.length;
  await site.delivery();
  const reached = (): number => Math.max(0, ...receiver.requests.slice(before).map((one) => rangeOf(one).to_seq));
  await eventually(() => reached() === 400, { what: 'the end of the log' });
  await eventually(
    () => checkBatchChain(bodiesOf(inOrder(receiver.accepted())), { mayOverlap: true }).range?.toSeq === 400,
    { what: 'the last answer' },
  );

  // As the receiver can prove it who sorts by seq: everything, each batch begins where one before has ended.
  const chain = checkBatchChain(bodiesOf(inOrder(receiver.accepted())), { mayOverlap: true });
  expect(chain.problems).toEqual([]);
  expect(chain.events.map(({ id }) => id)).toEqual(ids);
  // While the first was being thought about, others arrived; at most four.
  const underWay = receiver.requests.map(
    ({ arrivedAtMs }) =>
      receiver.requests.filter(
        (other, index) => index % 2 === 0 && Math.abs(other.arrivedAtMs - arrivedAtMs) < slowMs / 2,
      ).length,
  );
  expect(Math.max(...underWay)).toBeGreaterThan(1);
  // After the crash it goes on at the cursor: at most a window and what was taken within a checkpoint comes again.
  const crashedAt = Math.max(...receiver.requests.slice(0, before).map((one) => rangeOf(one).to_seq));
  const again = Math.min(...receiver.requests.slice(before).map((one) => rangeOf(one).from_seq));
  expect(again).toBeLessThanOrEqual(crashedAt + 1);
  expect(crashedAt - again).toBeLessThanOrEqual(2 * 4 * 5 * 4);
}, 120_000);

function inOrder(requests: readonly ReceivedRequest[]): ReceivedRequest[] {
  return requests.toSorted(
    (a, b) => rangeOf(a).from_seq - rangeOf(b).from_seq || rangeOf(a).to_seq - rangeOf(b).to_seq,
  );
}
