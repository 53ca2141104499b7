import { eventually } from '@docket/testkit';
import { randomUUID } from 'node:crypto';
import { clickhouseRows } from './clickhouse-rows.ts';
import type { DocketApi } from './docket-api.ts';
import { type Env, type Installation, runDocket } from './installation.ts';
import { expectThat } from './report.ts';

/** What must be acknowledged and not yet stored when the ingestor dies. */
const inFlightMin = 1000;
const batchEvents = 1000;
const batchesOfTry = 12;
const triesMax = 5;
const storedDeadlineMs = 120_000;

/**
 * Publishes events of all tenants and kills the ingestor with SIGKILL while at least 1,000 acknowledged events have no row
 * yet. With the ingestor dead, what ClickHouse holds must be whole (I2, I3, I4); it is then started again, and every
 * acknowledged event must be stored. Resolves with what happened.
 */
export async function killIngestorInFlight(
  installation: Installation,
  api: DocketApi,
  tenants: readonly string[],
): Promise<string> {
  const { env } = installation;
  let acknowledged = 0;
  for (let attempt = 1; attempt <= triesMax; attempt += 1) {
    let left: LeftBehind | undefined;
    for (let batch = 0; batch < batchesOfTry; batch += 1) {
      acknowledged += await publishBatch(api, tenants);
      if (left !== undefined || acknowledged - (await storedCount(env)) < inFlightMin) continue;
      await killIngestor(installation);
      left = { acknowledged, stored: await storedCount(env) };
    }
    if (left === undefined) continue;
    const atDeath = await verifiedTail(env);
    await installation.restart('ingestor');
    const expected = acknowledged;
    await eventually(async () => (await storedCount(env)) === expected, {
      what: `${expected} acknowledged events in ClickHouse`,
      deadlineMs: storedDeadlineMs,
    });
    const inFlight = left.acknowledged - left.stored;
    if (inFlight < inFlightMin) continue;
    return `killed with ${inFlight} acknowledged events not stored; I2, I3, I4 held while it was dead with ${atDeath} records to go; after the restart all ${acknowledged} are stored, each once`;
  }
  throw new Error(`never ${inFlightMin} events in flight in ${triesMax} tries`);
}

/** Counts at the moment of the kill. */
interface LeftBehind {
  acknowledged: number;
  stored: number;
}

async function killIngestor({ processes }: Installation): Promise<void> {
  const ingestor = processes.get('ingestor');
  expectThat(ingestor !== undefined, 'there is no ingestor');
  await ingestor.kill('SIGKILL');
}

/** Rejects with the findings of docket verify; resolves with the number of records that ClickHouse does not hold yet. */
async function verifiedTail(env: Env): Promise<number> {
  const { code, output, errors } = await runDocket(env, 'verify', '--json');
  expectThat(code === 0, `docket verify beside the dead ingestor: exit code ${code} ${output.slice(0, 1000)}${errors}`);
  const report: { partitions: { tail: number }[] } = JSON.parse(output);
  return report.partitions.reduce((sum, { tail }) => sum + tail, 0);
}

async function publishBatch(api: DocketApi, tenants: readonly string[]): Promise<number> {
  const events = Array.from({ length: batchEvents }, (_, index) => ({
    id: randomUUID(),
    tenant_id: tenants[index % tenants.length],
    action: 'load.step.done',
    actor: { type: 'service', id: 'load' },
    description: 'One of many events that are under way when the ingestor dies.',
  }));
  await api.must('POST', '/v1/events', { events });
  return events.length;
}

async function storedCount(env: Env): Promise<number> {
  const select = `SELECT count() AS rows FROM audit_events WHERE action = 'load.step.done'`;
  const [row] = await clickhouseRows<{ rows: number }>(env, select);
  return row?.rows ?? 0;
}
