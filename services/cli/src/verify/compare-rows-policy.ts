import { eventColumns, nilId, type EventRow } from '@docket/event';

/** One row as text by column, the same for a row that was recomputed and for one that was read back. */
export type RowText = Readonly<Record<string, string>>;

/** What is wrong, where. `kind` is bounded; `detail` names the row. */
export interface Finding {
  readonly kind:
    | 'missing_row'
    | 'extra_row'
    | 'doubled_row'
    | 'different_row'
    | 'hole'
    | 'disorder'
    | 'wrong_partition'
    | 'behind_commit'
    | 'unverifiable';
  readonly partition: number;
  readonly detail: string;
}

/** A recomputed row: what must stand in ClickHouse. */
export function textOfRow(row: EventRow): RowText {
  return Object.fromEntries(eventColumns.map(({ name }) => [name, textOf(row[name])]));
}

function textOf(value: EventRow[keyof EventRow]): string {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').toUpperCase();
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A row of `storedRowSelection`. */
export function textOfStored(stored: Readonly<Record<string, unknown>>): RowText {
  return Object.fromEntries(
    eventColumns.map(({ name }) => {
      const value = stored[`v_${name}`];
      return [name, typeof value === 'string' ? value : JSON.stringify(value)];
    }),
  );
}

/** Selects every column under `v_<name>`, times as integers and bytes as hex. */
export const storedRowSelection: string = eventColumns
  .map(({ name, type }) => `${selected(name, type)} AS \`v_${name}\``)
  .join(', ');

function selected(name: string, type: string): string {
  if (name === 'raw' || name === 'commitment_seed') return `hex(${name})`;
  if (name === 'content_hash' || name === 'id' || name === 'status') return `toString(${name})`;
  if (type.startsWith('DateTime64(6')) return `toUnixTimestamp64Micro(${name})`;
  if (type.startsWith('DateTime64(3')) return `toUnixTimestamp64Milli(${name})`;
  return `\`${name}\``;
}

/** What must stand in ClickHouse for one record. */
export interface ExpectedRow {
  readonly row: RowText;
  /** The row that the record has if ClickHouse or the registry refused it in its day: quarantined, with the record's bytes. */
  readonly asRefused: () => RowText;
}

export interface Comparison {
  readonly findings: readonly Finding[];
  /** Rows that stand as they were refused in their day, though today's recomputation judges them otherwise. */
  readonly refusedInTheirDay: number;
}

/** A record that ClickHouse refused in its day, or whose schema or MAC key was not known: today's recomputation may judge it otherwise, its bytes must still be there. */
const judgedInItsDay = /^(refused|unknown_schema|unknown_mac_key): /;
/** What may differ then: the reason, and the id, which an unknown schema hides. */
const judgementColumns: readonly string[] = ['status_detail', 'id'];

export function wasJudgedInItsDay(stored: RowText): boolean {
  return stored['status'] === 'quarantined' && judgedInItsDay.test(stored['status_detail'] ?? '');
}

/**
 * Compares what must be there with what is, both in offset order and over the same offsets.
 * I2: every record has exactly one row, and every row a record; I3: each at its seq; and no column has changed.
 */
export function compareRows(
  partition: number,
  expected: readonly ExpectedRow[],
  stored: readonly RowText[],
): Comparison {
  const findings: Finding[] = [];
  let refusedInTheirDay = 0;
  const byOffset = groupByOffset(stored);
  for (const { row, asRefused } of expected) {
    const offset = row['src_offset'] ?? '';
    const found = byOffset.get(offset) ?? [];
    byOffset.delete(offset);
    const [first] = found;
    const place = `offset ${offset}, log ${row['tenant_id']}, seq ${row['seq']}`;
    if (first === undefined)
      findings.push({ kind: 'missing_row', partition, detail: `${place}: the record has no row` });
    else if (found.length > 1)
      findings.push({ kind: 'doubled_row', partition, detail: `${place}: the record has ${found.length} rows` });
    else if (differing(row, first).length === 0) continue;
    else if (wasRefused(first, row, asRefused)) refusedInTheirDay += 1;
    else if (isUnderUnknownKey(row, first))
      findings.push({ kind: 'unverifiable', partition, detail: `${place}: ${keyIsMissing(row)}` });
    else findings.push({ kind: 'different_row', partition, detail: `${place}: ${differences(row, first)}` });
  }
  for (const [offset, rows] of byOffset) {
    findings.push({
      kind: 'extra_row',
      partition,
      detail: `offset ${offset}: ${rows.length} rows of a record that Kafka does not have`,
    });
  }
  return { findings, refusedInTheirDay };
}

function wasRefused(stored: RowText, expected: RowText, asRefused: () => RowText): boolean {
  if (!wasJudgedInItsDay(stored)) return false;
  const isOfTheRecord = stored['id'] === nilId || expected['id'] === nilId || stored['id'] === expected['id'];
  return isOfTheRecord && differing(asRefused(), stored).every((name) => judgementColumns.includes(name));
}

/** The ingestor knew the key, or the row would be quarantined; here it is not among DOCKET_MAC_KEYS. */
function isUnderUnknownKey(expected: RowText, stored: RowText): boolean {
  return expected['status_detail']?.startsWith('unknown_mac_key: ') === true && stored['status'] !== 'quarantined';
}

function keyIsMissing(expected: RowText): string {
  return `${expected['status_detail'] ?? ''}, which is not in DOCKET_MAC_KEYS here`;
}

function differing(expected: RowText, stored: RowText): string[] {
  return eventColumns.map(({ name }): string => name).filter((name) => expected[name] !== stored[name]);
}

function differences(expected: RowText, stored: RowText): string {
  return differing(expected, stored)
    .slice(0, 4)
    .map((name) => `${name} is ${brief(stored[name])}, recomputed ${brief(expected[name])}`)
    .join('; ');
}

function brief(text = ''): string {
  return text.length > 60 ? `${JSON.stringify(text.slice(0, 60))}…` : JSON.stringify(text);
}

function groupByOffset(rows: readonly RowText[]): Map<string, RowText[]> {
  const groups = new Map<string, RowText[]>();
  for (const row of rows) {
    const offset = row['src_offset'] ?? '';
    const group = groups.get(offset);
    if (group === undefined) groups.set(offset, [row]);
    else group.push(row);
  }
  return groups;
}
