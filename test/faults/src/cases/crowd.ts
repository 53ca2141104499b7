import type { ServiceProcess } from '@docket/testkit';
import { createDrain, type Drain } from '../drain.ts';
import { spreadOf, type FaultCase } from '../fault-case.ts';
import { startIngestor } from '../ingestor.ts';
import { smallBlocks } from '../phases.ts';

const waitingMin = 5_000;

/** Several instances that come and die together. */
export const crowd: FaultCase = {
  name: 'crowd',
  promise: 'I2, I3, I4: two crashes at once, three instances that fight, ten quick restarts lose and double nothing',
  async run({ say, row }) {
    const drain = await createDrain();
    const bothDied = await twoCrashes(drain);
    say(`both of two killed at once: next row ${spreadOf(bothDied)}`);
    row({
      fault: 'SIGKILL',
      target: 'two ingestors at once',
      times: bothDied.length,
      figures: `next row after ${spreadOf(bothDied)}`,
    });

    await drain.ensureWaiting(waitingMin);
    const fights = 8;
    await fight(drain, fights);
    say(`three instances, of which one was killed, frozen or woken ${fights} times at random`);
    row({
      fault: 'SIGKILL, SIGSTOP',
      target: 'three ingestors that fight',
      times: fights,
      figures: 'see the next line',
    });

    await drain.ensureWaiting(waitingMin);
    const restarts = 10;
    for (let n = 0; n < restarts; n += 1)
      await (await startIngestor(drain, smallBlocks)).kill(n % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
    const last = await startIngestor(drain);
    const ms = await drain.untilStored(drain.published(), 'the end of the drain');
    await last.stop();
    const figures = `drained ${(ms / 1000).toFixed(1)} s after the last start; ${await drain.finish()}`;
    row({ fault: 'quick restart', target: 'ingestor', times: restarts, figures });
  },
};

async function twoCrashes(drain: Drain): Promise<number[]> {
  const nextRowMs: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    await drain.ensureWaiting(waitingMin);
    const before = await drain.stored();
    const pair = await Promise.all([startIngestor(drain, smallBlocks), startIngestor(drain, smallBlocks)]);
    await drain.untilStored(before + 500, 'a drain by two');
    await Promise.all(pair.map((ingestor) => ingestor.kill('SIGKILL')));
    const diedAtMs = performance.now();
    await drain.ensureWaiting(waitingMin);
    const successors = await Promise.all([startIngestor(drain), startIngestor(drain)]);
    // By now what the dead had sent has landed.
    const left = await drain.stored();
    await drain.untilStored(left + 1, 'a row after both died');
    nextRowMs.push(performance.now() - diedAtMs);
    await Promise.all(successors.map((ingestor) => ingestor.stop()));
  }
  return nextRowMs;
}

/** One after another is killed and replaced, or frozen until the next turn, while records keep coming. */
async function fight(drain: Drain, turns: number): Promise<void> {
  const running: ServiceProcess[] = await Promise.all([1, 2, 3].map(() => startIngestor(drain, smallBlocks)));
  for (let turn = 0; turn < turns; turn += 1) {
    const [first] = running.splice(0, 1);
    if (first === undefined) throw new Error('nobody is left to fight');
    if (turn % 3 === 2) {
      await first.kill('SIGSTOP');
      await drain.publish(500);
      await first.kill('SIGCONT');
      running.push(first);
    } else {
      await first.kill('SIGKILL');
      running.push(await startIngestor(drain, smallBlocks));
    }
    await drain.publish(500);
  }
  await drain.untilStored(drain.published(), 'the end of the fight');
  await Promise.all(running.map((ingestor) => ingestor.stop()));
}
