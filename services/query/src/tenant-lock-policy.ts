/** Which log a request may read, told to ClickHouse apart from the statement. */
const tenantHeader = 'X-Docket-Tenant';

/**
 * The second lock (I5): whatever a statement says, ClickHouse itself adds this condition to every read of the log, and takes
 * the tenant from a header that only this function fills. Without the header no row is read.
 */
export function tenantLock(tenantId: string): {
  readonly headers: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, string | number>>;
} {
  return {
    headers: { [tenantHeader]: tenantId },
    settings: {
      allow_get_client_http_header: 1,
      additional_table_filters: `{'audit_events': 'tenant_id = getClientHTTPHeader(\\'${tenantHeader}\\')'}`,
    },
  };
}
