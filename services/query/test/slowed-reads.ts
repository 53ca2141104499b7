import type { ClickHouse } from '@docket/clickhouse';
import type { QueryWorld } from './query-world.ts';

/** The real ClickHouse, in which every read of rows takes half a second for each of them. */
export function slowly(clickhouse: ClickHouse): ClickHouse {
  return {
    ...clickhouse,
    query: (sql, params, options) =>
      clickhouse.query(sql.replace('WHERE', 'WHERE sleepEachRow(0.5) = 0 AND'), params, {
        ...options,
        settings: { ...options?.settings, function_sleep_max_microseconds_per_block: 0 },
      }),
  };
}

/** How many of these reads ClickHouse is at. */
export async function slowReadsIn({ clickhouse }: QueryWorld): Promise<number> {
  const [row] = await clickhouse.query<{ running: number }>(
    "SELECT count() AS running FROM system.processes WHERE current_database = currentDatabase() AND query LIKE '%sleepEachRow(0.5)%' AND query NOT LIKE '%system.processes%'",
  );
  return row?.running ?? -1;
}
