/**
 * Goes through the table of hostile requests to URL, one after another without a pause, whenever it is told to `attack` and until it is told to `rest`; answers
 * both with how many it has sent. The lowest priority: an attacker has a machine of his own, and here he must not take the processor from those whom he
 * attacks.
 */
import { exchangeRaw, hostileRequests } from '@docket/testkit';
import { setPriority } from 'node:os';

setPriority(19);
const [, , url = '', authorization = ''] = process.argv;
const answerDeadlineMs = 30_000;
/** But for those that are slow by design. */
const requests = hostileRequests({ authorization, tenantId: 'acme' }).filter(
  ({ request }) => request.drip === undefined && request.isSilent !== true,
);
let sent = 0;
let resting = new AbortController();
let attacking: Promise<void> = Promise.resolve();

async function attack({ signal }: AbortController): Promise<void> {
  while (!signal.aborted) {
    const one = requests[sent % requests.length];
    if (one === undefined) return;
    const { request, answers = 1 } = one;
    await exchangeRaw(url, request, { answers, untilClosed: false, deadlineMs: answerDeadlineMs });
    sent += 1;
  }
}

async function obey(order: unknown): Promise<void> {
  if (order === 'attack') {
    resting = new AbortController();
    attacking = attack(resting);
  } else {
    resting.abort();
    await attacking;
  }
  process.send?.(sent);
}

process.on('message', (order) => void obey(order));
process.once('disconnect', () => process.exit());
// They are made by now: a bomb of 1 GiB is among them.
process.send?.(sent);
