/** What the ingestor asks ClickHouse for, by its statement: fence, clear, read, insert. */
export type ClickHouseStep = 'fence' | 'clear' | 'heads' | 'window' | 'insert' | 'other';

const marks: readonly (readonly [ClickHouseStep, string])[] = [
  ['fence', 'INSERT INTO ingest_fence'],
  ['insert', 'INSERT INTO `audit_events`'],
  ['clear', 'FROM system.processes'],
  ['heads', 'max(src_offset) AS head_offset, count() AS stored_rows'],
  ['window', 'SELECT tenant_id, id, toInt8(status), content_hash FROM ('],
];

/** The statement is in the URL when the body is data. */
export function clickhouseStepOf(url: string, body: Buffer): ClickHouseStep {
  const sql = new URL(url, 'http://clickhouse').searchParams.get('query') ?? body.subarray(0, 4096).toString('utf8');
  return marks.find(([, mark]) => sql.includes(mark))?.[0] ?? 'other';
}

/** What the ingestor asks the registry for. */
export function registryStepOf(url: string): 'versions' | 'other' {
  return url.endsWith('/versions') ? 'versions' : 'other';
}
