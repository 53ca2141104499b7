import { createDrain, type Drain } from '../drain.ts';
import { expectThat, spreadOf, type FaultCase } from '../fault-case.ts';
import { startIngestor } from '../ingestor.ts';
import { phases, startProxies } from '../phases.ts';

const rounds = 2;
const waitingMin = 3_000;
const resumeMsMax = 10_000;

/** SIGKILL in each phase of the ingestor's work, all in one drain. */
export const killIngestor: FaultCase = {
  name: 'kill-ingestor',
  promise: 'I2, I3, I4: SIGKILL in any phase loses and doubles nothing, and a restart goes on within 10 s',
  async run({ say, row }) {
    const drain = await createDrain();
    const proxies = await startProxies(drain);
    const resumedMs = new Map<string, number[]>();
    for (let round = 0; round < rounds; round += 1) {
      for (const phase of phases) {
        // A window is read only of a partition that holds rows.
        if ((await drain.stored()) === 0) await storeSome(drain);
        await drain.ensureWaiting(waitingMin);
        const { ingestor, afterDeath } = await phase.reach(drain, proxies);
        await ingestor.kill('SIGKILL');
        const detail = await afterDeath();
        const before = await drain.stored();
        const beganAtMs = performance.now();
        const successor = await startIngestor(drain, { ...proxies.env, INGEST_BLOCK_ROWS_MAX: '500' });
        await drain.untilStored(before + 1, `a row stored after SIGKILL in "${phase.name}"`);
        const ms = performance.now() - beganAtMs;
        resumedMs.set(phase.name, [...(resumedMs.get(phase.name) ?? []), ms]);
        say(
          `SIGKILL in "${phase.name}": next row after ${(ms / 1000).toFixed(1)} s${detail === '' ? '' : `, ${detail}`}`,
        );
        await successor.stop();
      }
    }
    for (const [name, ms] of resumedMs) {
      row({
        fault: 'SIGKILL',
        target: `ingestor: ${name}`,
        times: ms.length,
        figures: `next row after ${spreadOf(ms)}`,
      });
    }
    const last = await startIngestor(drain, proxies.env);
    await drain.untilStored(drain.published(), 'the end of the drain');
    await last.stop();
    await proxies.close();
    const all = [...resumedMs.values()].flat();
    const outcome = await drain.finish();
    row({
      fault: 'SIGKILL',
      target: 'ingestor: all phases',
      times: all.length,
      figures: `next row after ${spreadOf(all)}; ${outcome}`,
    });
    expectThat(Math.max(...all) <= resumeMsMax, `the slowest restart took ${spreadOf(all)}`);
  },
};

async function storeSome(drain: Drain): Promise<void> {
  await drain.publish(1_000);
  const ingestor = await startIngestor(drain);
  await drain.untilStored(1_000, 'the first rows');
  await ingestor.stop();
}
