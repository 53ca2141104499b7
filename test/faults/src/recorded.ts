import { expectThat } from './fault-case.ts';
import { eventually, runDocket, type World } from '@docket/testkit';
import { existsSync, readFileSync, statSync } from 'node:fs';

/** An id and the end of its line. */
const lineBytes = 37;

/** How many events the applications say that `record` has confirmed to them. */
export function countRecorded(file: string): number {
  return existsSync(file) ? Math.floor(statSync(file).size / lineBytes) : 0;
}

/**
 * Waits until every confirmed event is stored, and checks: each once, and the running numbers of each spool and tenant without a hole. Gives a
 * line of figures.
 */
export async function checkRecorded(world: World, file: string, deadlineMs: number): Promise<string> {
  const recorded = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const stored = await eventually(
    async () => {
      const ids = new Set(await idsStored(world));
      const missing = recorded.filter((id) => !ids.has(id)).length;
      if (missing > 0) throw new Error(`${missing} of ${recorded.length} recorded events are not stored`);
      return ids;
    },
    { what: 'every recorded event', deadlineMs, intervalMs: 2_000 },
  );
  const [sums] = await world.clickhouse.query<{ rows: number; ids: number; duplicates: number; conflicts: number }>(
    `SELECT countIf(status = 'accepted') AS rows, uniqExactIf(id, status = 'accepted') AS ids,
       countIf(status = 'duplicate') AS duplicates, countIf(status NOT IN ('accepted', 'duplicate')) AS conflicts FROM audit_events`,
  );
  expectThat(
    sums !== undefined && sums.rows === sums.ids && sums.conflicts === 0,
    `stored are ${JSON.stringify(sums)}`,
  );
  const holes = await world.clickhouse.query<{ instance: string; tenant: string }>(
    `SELECT source_instance AS instance, tenant_id AS tenant FROM audit_events WHERE status = 'accepted' AND action NOT LIKE 'docket.%'
     GROUP BY instance, tenant HAVING max(source_counter) != count() OR uniqExact(source_counter) != count()`,
  );
  expectThat(holes.length === 0, `running numbers are not dense: ${JSON.stringify(holes.slice(0, 5))}`);
  const { code, output } = await runDocket(['verify'], world.env);
  expectThat(code === 0, `docket verify: exit ${code}\n${output}`);
  const unconfirmed = stored.size - new Set(recorded).size;
  return `${recorded.length} recorded, each stored once; ${unconfirmed} more were stored whose record() the kill cut off; ${sums.duplicates} repetitions; verify clean`;
}

async function idsStored(world: World): Promise<string[]> {
  const rows = await world.clickhouse.query<{ id: string }>(
    `SELECT toString(id) AS id FROM audit_events WHERE status = 'accepted' AND action NOT LIKE 'docket.%'`,
  );
  return rows.map(({ id }) => id);
}
