import { readFileSync } from 'node:fs';
import { eventColumns, rowOfEvent, contentHashOf, parseEvent, type AuditEvent, type EventRow } from '../src/index.ts';

const directory = new URL('../../../schemas/golden/', import.meta.url);

export const goldenNames = ['event', 'event-minimal'] as const;
export type GoldenName = (typeof goldenNames)[number];

/** 2026-11-23T09:00:01.500Z: the arrival that the golden rows were made with. */
export const goldenArrivalMs = Date.UTC(2026, 10, 23, 9, 0, 1, 500);

export function goldenText(file: string): string {
  return readFileSync(new URL(file, directory), 'utf8').trim();
}

export function goldenInput(name: GoldenName): unknown {
  return JSON.parse(goldenText(`${name}.json`));
}

export function goldenEvent(name: GoldenName): AuditEvent {
  const parsed = parseEvent(goldenInput(name), goldenArrivalMs, '');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.event;
}

export function goldenRow(name: GoldenName): EventRow {
  const event = goldenEvent(name);
  const place = {
    log: event.tenant_id,
    seq: 7,
    status: 'accepted',
    statusDetail: '',
    receivedAtMs: goldenArrivalMs,
    schemaId: 1,
    generation: 1,
    partition: 2,
    offset: 41,
  } as const;
  return rowOfEvent(event, place, contentHashOf(event));
}

/** A row as JSON lines of its columns in insert order. */
export function rowText(row: EventRow): string {
  const printable = (_key: string, value: unknown): unknown => {
    if (typeof value === 'bigint') return value.toString();
    return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
  };
  return eventColumns.map(({ name, type }) => `${name} ${type} ${JSON.stringify(row[name], printable)}`).join('\n');
}
