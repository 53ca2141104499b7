/** Which log a request may read, told to ClickHouse apart from the statement. */
const tenantHeader = 'X-Docket-Tenant';
/** Marks a request as an operator's; without it the views operator_records, operator_places and operator_quarantine are empty. */
const operatorHeader = 'X-Docket-Operator';

/** How operators name every log at once; no log is called so. */
export const allLogs = '*';

/**
 * The second lock (I5): whatever a statement says, the row policies of the service's user in ClickHouse itself (deploy/clickhouse)
 * let it see the rows of the log that this header names, and none without it. Only the functions here fill the headers.
 */
export function tenantLock(
  log: string,
  { isOperator }: { readonly isOperator: boolean } = { isOperator: false },
): Readonly<Record<string, string>> {
  return { [tenantHeader]: log, ...(isOperator ? { [operatorHeader]: 'yes' } : {}) };
}

/** For operators: what could not be read, of all logs, and nothing else of any. */
export function allLogsLock(): Readonly<Record<string, string>> {
  return { [operatorHeader]: 'all logs' };
}
