// An application that records, for tests: a process that can be killed. It prints the id of each event that record() has confirmed.
import { createDocket } from '@docket/sdk';
import { writeSync } from 'node:fs';

const { DOCKET_URL, SPOOL_DIR, EVENTS, STAY, NAME = 'a', DURABILITY = 'process', CLOSE_MS } = process.env;
const docket = createDocket({
  url: DOCKET_URL,
  key: 'dk_test_secret',
  source: { service: 'app', instance: 'host' },
  spool: { dir: SPOOL_DIR, adoptIntervalMs: 200, durability: DURABILITY },
  retry: { baseDelayMs: 5, maxDelayMs: 100 },
});
let kept = 0;
const print = (outcome) => {
  // At once: what a pipe buffers dies with the process.
  if (outcome.ok) writeSync(1, `${outcome.id} ${outcome.kept}\n`);
  kept += Number(outcome.ok);
};
for (let n = 1; n <= Number(EVENTS); n += 1) {
  const event = { tenant_id: `t${n % 3}`, action: 'step.done', actor: { type: 'process', id: NAME }, metadata: { n } };
  print(await docket.record(event));
}
if (CLOSE_MS !== undefined) {
  const closed = await docket.close({ deadlineMs: Number(CLOSE_MS) });
  writeSync(1, `closed ${closed.ok}\n`);
}
if (STAY !== undefined && STAY !== '') setInterval(() => kept, 1000);
