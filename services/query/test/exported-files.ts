import type { ClickHouse } from '@docket/clickhouse';

/** The records of a text in RFC 4180; throws on anything that it does not allow. */
export function readCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/y;
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const match = cell.exec(text);
    if (match === null) throw new Error(`not RFC 4180 at ${at}: ${JSON.stringify(text.slice(at, at + 40))}`);
    const [, quoted, plain = '', end] = match;
    record.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    records.push(record);
    record = [];
  }
  return records;
}

export interface ParquetRow {
  readonly id: string;
  readonly seq: number;
  readonly occurred_at_us: number;
  readonly ip: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly resources: readonly { readonly id: string }[];
}

/** The rows of a Parquet file, as ClickHouse reads it. */
export async function readParquet(clickhouse: ClickHouse, file: Buffer): Promise<ParquetRow[]> {
  const hasSeq = 'seq' in (await exportedTypes(clickhouse, file));
  const sql = `SELECT id, ${hasSeq ? 'seq, ' : ''}toUnixTimestamp64Micro(occurred_at) AS occurred_at_us, ip, metadata, resources
FROM format(Parquet, base64Decode({file:String}))`;
  return clickhouse.query<ParquetRow>(sql, { file: file.toString('base64') });
}

/** The types of the columns of a Parquet file, as ClickHouse reads them; none is nullable. */
export async function exportedTypes(clickhouse: ClickHouse, file: Buffer): Promise<Record<string, string>> {
  const sql =
    'DESCRIBE format(Parquet, base64Decode({file:String})) SETTINGS schema_inference_make_columns_nullable = 0';
  const columns = await clickhouse.query<{ name: string; type: string }>(sql, { file: file.toString('base64') });
  return Object.fromEntries(columns.map(({ name, type }) => [name, type]));
}
