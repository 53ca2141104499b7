import type { Component } from '@docket/local-stack';
import { createDrain, type Drain } from '../drain.ts';
import { spreadOf, type FaultCase, type FaultContext } from '../fault-case.ts';
import { rssMiBPeakOf, startIngestor } from '../ingestor.ts';

const waitingMin = 8_000;
/** What waits in the ingestor is little against what waits in Kafka, so that a server is missed when it is away. */
const littleInMemory = { INGEST_BLOCK_ROWS_MAX: '500', INGEST_BLOCK_BYTES_MAX: String(128 * 1024) };

/** SIGKILL of ClickHouse and of Kafka while one ingestor drains; it is never restarted. */
export const killServers: FaultCase = {
  name: 'kill-servers',
  promise: 'I2, I4: SIGKILL of ClickHouse or Kafka loses and doubles nothing, and the ingestor goes on by itself',
  async run(context) {
    const { stack, row } = context;
    const drain = await createDrain();
    await drain.ensureWaiting(waitingMin);
    const ingestor = await startIngestor(drain, littleInMemory);
    const ofClickHouse = await killAgain(context, drain, stack.clickhouse, 6);
    const ofKafka = await killAgain(context, drain, stack.kafka, 4);
    await drain.untilStored(drain.published(), 'the end of the drain');
    const rss = rssMiBPeakOf(ingestor);
    await ingestor.stop();
    const outcome = await drain.finish();
    const figures = (ms: readonly number[]): string => `next row ${spreadOf(ms)} after it answered again`;
    row({
      fault: 'SIGKILL',
      target: 'ClickHouse, mid-drain',
      times: ofClickHouse.length,
      figures: figures(ofClickHouse),
    });
    row({ fault: 'SIGKILL', target: 'Kafka, mid-drain', times: ofKafka.length, figures: figures(ofKafka) });
    row({ fault: 'SIGKILL', target: 'both servers: afterwards', times: 1, figures: `${outcome}; RSS peak ${rss} MiB` });
  },
};

async function killAgain({ say }: FaultContext, drain: Drain, server: Component, times: number): Promise<number[]> {
  const recoveredMs: number[] = [];
  for (let kills = 0; kills < times; kills += 1) {
    await drain.ensureWaiting(waitingMin);
    await drain.untilStored((await drain.stored()) + 500, 'a drain that is under way');
    await server.kill('SIGKILL');
    await server.start();
    const answeredAtMs = performance.now();
    const before = await drain.stored();
    const left = drain.published() - before;
    if (left === 0) await drain.ensureWaiting(1);
    await drain.untilStored(before + 1, `a row stored after SIGKILL of ${server.name}`);
    const ms = performance.now() - answeredAtMs;
    recoveredMs.push(ms);
    say(
      `SIGKILL of ${server.name} with ${left} records to go: next row ${(ms / 1000).toFixed(1)} s after it answered again`,
    );
  }
  return recoveredMs;
}
