import { eventColumns, type EventRow } from '@docket/event';

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

/** A record that ClickHouse or the registry refused in its day: today's recomputation may judge it otherwise, its bytes must still be there. */
const judgedInItsDay = /^(refused|unknown_schema): /;

/**
 * Compares what must be there with what is, both in offset order and over the same offsets.
 * I2: every record has exactly one row, and every row a record; I3: each at its seq; and no column has changed.
 */
export function compareRows(partition: number, expected: readonly RowText[], stored: readonly RowText[]): Finding[] {
  const findings: Finding[] = [];
  const byOffset = groupByOffset(stored);
  for (const row of expected) {
    const offset = row['src_offset'] ?? '';
    const found = byOffset.get(offset) ?? [];
    byOffset.delete(offset);
    const [first] = found;
    const place = `offset ${offset}, log ${row['tenant_id']}, seq ${row['seq']}`;
    if (first === undefined)
      findings.push({ kind: 'missing_row', partition, detail: `${place}: the record has no row` });
    else if (found.length > 1)
      findings.push({ kind: 'doubled_row', partition, detail: `${place}: the record has ${found.length} rows` });
    else findings.push(...compareColumns(partition, place, row, first));
  }
  for (const [offset, rows] of byOffset) {
    findings.push({
      kind: 'extra_row',
      partition,
      detail: `offset ${offset}: ${rows.length} rows of a record that Kafka does not have`,
    });
  }
  return findings;
}

function compareColumns(partition: number, place: string, expected: RowText, stored: RowText): Finding[] {
  const names = eventColumns.map(({ name }) => name);
  const differing = names.filter((name) => expected[name] !== stored[name]);
  if (differing.length === 0) return [];
  const wasJudged = stored['status'] === 'quarantined' && judgedInItsDay.test(stored['status_detail'] ?? '');
  const placeColumns = ['tenant_id', 'seq', 'received_at', 'src_generation', 'src_partition', 'src_offset'];
  if (wasJudged && !differing.some((name) => placeColumns.includes(name))) return [];
  const shown = differing
    .slice(0, 4)
    .map((name) => `${name} is ${brief(stored[name])}, recomputed ${brief(expected[name])}`);
  return [{ kind: 'different_row', partition, detail: `${place}: ${shown.join('; ')}` }];
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
