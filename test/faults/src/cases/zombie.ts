import { eventually } from '@docket/testkit';
import { createDrain } from '../drain.ts';
import { expectThat, spreadOf, type FaultCase } from '../fault-case.ts';
import { metricOf, startIngestor } from '../ingestor.ts';
import { slowBlocks, smallBlocks, startProxies, untilQueued } from '../phases.ts';

const times = 3;
const fencedCode = 395;
const takeOverDeadlineMs = 60_000;

/** SIGSTOP for longer than the session time-out while another takes over, then SIGCONT. */
export const zombie: FaultCase = {
  name: 'zombie',
  promise:
    'I2: what a frozen owner writes after another has taken over is refused, whether it wakes or its request was on its way',
  async run(context) {
    await wakes(context);
    await landsLate(context);
  },
};

/** Rows wait in the frozen process; it inserts them when it wakes. */
const wakes: FaultCase['run'] = async ({ say, row }) => {
  const drain = await createDrain();
  const tookOverMs: number[] = [];
  for (let round = 0; round < times; round += 1) {
    await drain.ensureWaiting(4_000);
    const frozen = await startIngestor(drain, slowBlocks);
    await untilQueued(frozen, 64 * 1024);
    await frozen.kill('SIGSTOP');
    const before = await drain.stored();
    const other = await startIngestor(drain, smallBlocks);
    tookOverMs.push(await drain.untilStored(before + 1, 'a row of the other instance', takeOverDeadlineMs));
    await frozen.kill('SIGCONT');
    const refusal = await eventually(
      () => frozen.logs.find((line) => line.includes('block.not_inserted') && line.includes(`"code":${fencedCode}`)),
      { what: 'the refusal of the frozen owner’s insert' },
    );
    expectThat(refusal.includes('"reason":"fenced"'), `refused, but not as fenced: ${refusal}`);
    const fenced = await metricOf(frozen, 'docket_ingestor_inserts_total', 'outcome="fenced"');
    expectThat(fenced >= 1, 'docket_ingestor_inserts_total{outcome="fenced"} does not show it');
    say(`SIGSTOP, taken over, SIGCONT: the insert got code ${fencedCode}, inserts_total{outcome="fenced"} ${fenced}`);
    await drain.publish(1_000);
    await drain.untilStored(drain.published(), 'what both of them store together', takeOverDeadlineMs);
    await Promise.all([frozen.stop(), other.stop()]);
  }
  const figures = `taken over after ${spreadOf(tookOverMs)}; each insert of the woken one refused with ${fencedCode}; ${await drain.finish()}`;
  row({ fault: 'SIGSTOP … SIGCONT', target: 'ingestor with rows waiting', times, figures });
};

/** The frozen process had sent its insert; it lands when another owner has begun to write. */
const landsLate: FaultCase['run'] = async ({ say, row }) => {
  const drain = await createDrain();
  const proxies = await startProxies(drain);
  for (let round = 0; round < times; round += 1) {
    await drain.ensureWaiting(4_000);
    const held = proxies.clickhouse.hold('insert', 'request');
    const frozen = await startIngestor(drain, { ...proxies.env, ...smallBlocks });
    await eventually(() => proxies.clickhouse.underWay('insert') > 0, { what: 'the held insert', intervalMs: 5 });
    await frozen.kill('SIGSTOP');
    const before = await drain.stored();
    const other = await startIngestor(drain, smallBlocks);
    await drain.untilStored(before + 1, 'a row of the other instance', takeOverDeadlineMs);
    held.release();
    const { code } = await held.answered;
    expectThat(code === fencedCode, `the late insert was answered with code ${code}`);
    await frozen.kill('SIGCONT');
    say(`an insert that landed after another owner's claim got code ${code}`);
    await drain.untilStored(drain.published(), 'the end of the drain', takeOverDeadlineMs);
    await Promise.all([frozen.stop(), other.stop()]);
  }
  await proxies.close();
  const figures = `each refused with ${fencedCode}; ${await drain.finish()}`;
  row({ fault: 'SIGSTOP … SIGCONT', target: 'ingestor, insert on its way', times, figures });
};
