/** Which log a request may read, told to ClickHouse apart from the statement. */
const tenantHeader = 'X-Docket-Tenant';
/** Marks a request as an operator's; without it the views operator_records and operator_places are empty. */
const operatorHeader = 'X-Docket-Operator';

/**
 * The second lock (I5): whatever a statement says, the row policies of the service's user in ClickHouse itself (deploy/clickhouse)
 * let it see the rows of the log that this header names, and none without it. Only this function fills it.
 */
export function tenantLock(
  log: string,
  { isOperator }: { readonly isOperator: boolean } = { isOperator: false },
): Readonly<Record<string, string>> {
  return { [tenantHeader]: log, ...(isOperator ? { [operatorHeader]: 'yes' } : {}) };
}
