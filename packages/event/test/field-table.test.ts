import { expect, test } from '@jest/globals';
import { auditEventAvro } from '@docket/schemas';
import { existsSync, readFileSync } from 'node:fs';
import { eventColumns, eventFields } from '../src/index.ts';
import { goldenInput } from './golden.ts';

interface AvroField {
  readonly name: string;
  readonly type: unknown;
}

/** Follows a path through the Avro schema; unions, arrays and maps are looked into. */
function isInAvro(type: unknown, path: readonly string[]): boolean {
  if (path.length === 0) return true;
  if (Array.isArray(type)) return type.some((branch) => isInAvro(branch, path));
  if (typeof type !== 'object' || type === null) return false;
  const { fields, items } = type as { fields?: readonly AvroField[]; items?: unknown };
  if (items !== undefined) return isInAvro(items, path);
  const field = fields?.find(({ name }) => name === path[0]);
  return field !== undefined && isInAvro(field.type, path.slice(1));
}

function isInJson(value: unknown, path: readonly string[]): boolean {
  if (path.length === 0) return value !== undefined;
  if (Array.isArray(value)) return value.some((item) => isInJson(item, path));
  return (
    typeof value === 'object' &&
    value !== null &&
    isInJson((value as Record<string, unknown>)[path[0] ?? ''], path.slice(1))
  );
}

const repository = new URL('../../../', import.meta.url);
const textOf = (path: string): string =>
  existsSync(new URL(path, repository)) ? readFileSync(new URL(path, repository), 'utf8') : '';

test('every field of the event stands in each place that it needs', () => {
  const documented = textOf('docs/event.md');
  const table = textOf('schemas/clickhouse/000002_audit_events.sql');
  const publicEvent: unknown = JSON.parse(textOf('schemas/golden/event.public.json'));
  const columns = new Set<string>(eventColumns.map(({ name }) => name));
  const lacking = eventFields().flatMap(({ path, column }) => {
    const steps = path.replaceAll('[]', '').split('.');
    const places: readonly (readonly [string, boolean])[] = [
      ['schemas/avro/audit-event.avsc', isInAvro(auditEventAvro, steps)],
      ['the row (eventColumns)', columns.has(column)],
      ['schemas/clickhouse', column.split('.').every((word) => new RegExp(`\\b${word}\\b`).test(table))],
      ['the golden event', isInJson(goldenInput('event'), steps)],
      ['the API (toPublicEvent)', isInJson(publicEvent, steps)],
      ['docs/event.md', documented.includes(`\`${path}\``)],
    ];
    return places.filter(([, isThere]) => !isThere).map(([place]) => `${path} is missing in ${place}`);
  });
  expect(lacking).toEqual([]);
});
