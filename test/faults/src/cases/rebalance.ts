import type { ServiceProcess } from '@docket/testkit';
import { setTimeout as pause } from 'node:timers/promises';
import { createDrain, type Drain } from '../drain.ts';
import { spreadOf, type FaultCase } from '../fault-case.ts';
import { startIngestor } from '../ingestor.ts';
import { startStallMeter } from '../stall-meter.ts';

const eventsPerSecond = 500;
const stepSeconds = 15;

interface Step {
  readonly name: string;
  readonly change: (running: ServiceProcess[], drain: Drain) => Promise<void>;
}

const start = async (running: ServiceProcess[], drain: Drain): Promise<void> => {
  running.push(await startIngestor(drain));
};
const killOldest = async (running: ServiceProcess[]): Promise<void> => running.shift()?.kill('SIGKILL');
const stopOldest = async (running: ServiceProcess[]): Promise<void> => void (await running.shift()?.stop());

const steps: readonly Step[] = [
  { name: 'second instance joins (1 → 2)', change: start },
  { name: 'third instance joins (2 → 3)', change: start },
  { name: 'one of three is killed (3 → 2)', change: killOldest },
  { name: 'it is started again (2 → 3)', change: start },
  { name: 'one of three stops (3 → 2)', change: stopOldest },
  { name: 'one of two is killed (2 → 1)', change: killOldest },
];

/** Instances come, go and die while a producer goes on. */
export const rebalance: FaultCase = {
  name: 'rebalance',
  promise: 'I2, I3, I4: 1 → 3 → 1 instances under load, kills included, lose and double nothing',
  async run({ say, row }) {
    const drain = await createDrain({ partitions: 6 });
    const producing = startProducing(drain);
    const running: ServiceProcess[] = [];
    await start(running, drain);
    await drain.untilStored(1_000, 'the first rows');
    const meter = startStallMeter(drain);
    await pause(3_000);
    const steadyMs = meter.lap();
    say(`steady at ${eventsPerSecond}/s: longest stall ${(steadyMs / 1000).toFixed(2)} s`);
    for (const { name, change } of steps) {
      meter.lap();
      await change(running, drain);
      await pause(stepSeconds * 1000);
      const ms = meter.lap();
      say(`${name}: longest stall of a partition ${(ms / 1000).toFixed(1)} s`);
      row({
        fault: 'rebalance',
        target: name,
        times: 1,
        figures: `longest stall of a partition ${spreadOf([ms]).split(',')[0]?.slice(4)} s`,
      });
    }
    await producing.stop();
    await drain.untilStored(drain.published(), 'the end of the drain');
    await meter.stop();
    await Promise.all(running.map((ingestor) => ingestor.stop()));
    const figures = `${eventsPerSecond} events/s throughout, steady stall ${(steadyMs / 1000).toFixed(2)} s; ${await drain.finish()}`;
    row({ fault: 'rebalance', target: 'all steps: afterwards', times: steps.length, figures });
  },
};

function startProducing(drain: Drain): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const producing = (async () => {
    while (!stopping.signal.aborted) {
      const beganAtMs = performance.now();
      await drain.publish(eventsPerSecond / 4);
      await pause(Math.max(0, 250 - (performance.now() - beganAtMs)));
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await producing;
    },
  };
}
