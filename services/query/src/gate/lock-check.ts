import { storedEventSelection, type ClickHouse } from '@docket/clickhouse';
import { DocketError } from '@docket/runtime';
import { readFailure } from '../pages/read-failure-policy.ts';

const deadlineMs = 5_000;
/** What the service reads that holds rows of several tenants; views over them are held by them. */
const lockedTables: readonly string[] = ['audit_events', 'log_heads', 'delivery_attempts'];

const heldTablesSql = `SELECT DISTINCT table FROM system.row_policies
WHERE database = currentDatabase() AND (apply_to_all OR hasAny(apply_to_list, arrayConcat([currentUser()], currentRoles())))`;

/**
 * That the service may read what it shows, and that ClickHouse holds it to one tenant (I5): a row policy on each table, and no
 * row without a tenant's header. Throws clickhouse_unavailable, schema_outdated or tenant_lock_missing.
 */
export async function checkTenantLock(clickhouse: ClickHouse): Promise<void> {
  try {
    await clickhouse.query(`SELECT ${storedEventSelection} FROM audit_events LIMIT 0`, {}, { deadlineMs });
    const held = await clickhouse.query<{ table: string }>(heldTablesSql, {}, { deadlineMs });
    const missing = lockedTables.filter((name) => !held.some(({ table }) => table === name));
    if (missing.length > 0) throw lockMissing(`no row policy holds it in ${missing.join(', ')}`);
    const [seen] = await clickhouse.query<{ seen: number }>(
      'SELECT count() AS seen FROM audit_events',
      {},
      { deadlineMs },
    );
    if (seen?.seen !== 0) throw lockMissing('it sees rows without the header of a tenant');
  } catch (error) {
    const failure = readFailure(error);
    if (failure instanceof DocketError) throw failure;
    throw new DocketError('clickhouse_unavailable', 'The log cannot be read.', { cause: error });
  }
}

function lockMissing(why: string): DocketError {
  return new DocketError('tenant_lock_missing', `ClickHouse does not hold the query service to one tenant: ${why}.`);
}
