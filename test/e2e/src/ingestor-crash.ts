import { eventually } from '@docket/testkit';
import { randomUUID } from 'node:crypto';
import { clickhouseRows } from './clickhouse-rows.ts';
import type { DocketApi } from './docket-api.ts';
import type { Env, Installation } from './installation.ts';
import { expectThat } from './report.ts';

/** What must be acknowledged and not yet stored when the ingestor dies. */
const inFlightMin = 1000;
const batchEvents = 1000;
const batchesOfTry = 12;
const triesMax = 5;
const storedDeadlineMs = 120_000;

/**
 * Publishes events of all tenants and kills the ingestor with SIGKILL while at least 1,000 acknowledged events have no row
 * yet; starts it again and waits until every acknowledged event is stored. Resolves with what happened; docket verify must
 * then find I2, I3 and I4 true.
 */
export async function killIngestorInFlight(
  installation: Installation,
  api: DocketApi,
  tenants: readonly string[],
): Promise<string> {
  const { env } = installation;
  let acknowledged = 0;
  for (let attempt = 1; attempt <= triesMax; attempt += 1) {
    const ingestor = installation.processes.get('ingestor');
    expectThat(ingestor !== undefined, 'there is no ingestor');
    let isKilled = false;
    let inFlight = 0;
    const kill = async (): Promise<void> => {
      isKilled = true;
      const acknowledgedAtKill = acknowledged;
      await ingestor.kill('SIGKILL');
      inFlight = acknowledgedAtKill - (await storedCount(env));
    };
    for (let batch = 0; batch < batchesOfTry; batch += 1) {
      acknowledged += await publishBatch(api, tenants);
      if (!isKilled && acknowledged - (await storedCount(env)) >= inFlightMin + batchEvents) await kill();
    }
    if (!isKilled) continue;
    await installation.restart('ingestor');
    const expected = acknowledged;
    await eventually(async () => (await storedCount(env)) === expected, {
      what: `${expected} acknowledged events in ClickHouse`,
      deadlineMs: storedDeadlineMs,
    });
    if (inFlight >= inFlightMin) {
      return `killed with ${inFlight} acknowledged events not stored; after the restart all ${acknowledged} are, each once`;
    }
  }
  throw new Error(`never ${inFlightMin} events in flight in ${triesMax} tries`);
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
