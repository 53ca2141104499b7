import { encodeEvent, frameAvro, isReserved, newEventId, parseEvent } from '@docket/event/producer';
import { auditEventAvro } from '@docket/schemas';

/** The schema that events are written with, as the registry has it. */
export const eventSchemaJson: string = JSON.stringify(auditEventAvro);

export type MappedMessage = { ok: true; message: { key: string; value: Buffer } } | { ok: false; detail: string };

/** The Kafka message of an event's JSON, checked as the gateway checks it; what the log would quarantine is refused with its reason. */
export function messageOf(text: string, schemaId: number, nowMs: number): MappedMessage {
  const json = jsonOf(text);
  if (!json.ok) return { ok: false, detail: 'is no JSON: the disk may have changed it' };
  const parsed = parseEvent(json.value, nowMs, newEventId());
  if (!parsed.ok) {
    const fields = parsed.errors.slice(0, 5).map(({ pointer, detail }) => `${pointer} ${detail}`.trim());
    return { ok: false, detail: fields.join('; ') };
  }
  const { tenant_id, action } = parsed.event;
  if (isReserved(tenant_id)) return { ok: false, detail: '/tenant_id is reserved' };
  if (isReserved(action)) return { ok: false, detail: '/action is reserved' };
  return { ok: true, message: { key: tenant_id, value: frameAvro(schemaId, encodeEvent(parsed.event)) } };
}

function jsonOf(text: string): { ok: true; value: unknown } | { ok: false } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}
