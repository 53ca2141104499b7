import { isIP } from 'node:net';

import type { EventInput } from './audit-event.ts';
import { encodeEvent, frameAvro } from './avro-codec.ts';
import { newEventId } from './event-id.ts';
import { parseEvent } from './parse-event.ts';
import type { RecordMac } from './record-mac.ts';
import { cutBytes } from './text-limits.ts';

/** The log of what belongs to no tenant, such as readings of stray logs, lists of all logs and keys for every tenant. Reserved, for operators. */
export const operatorsLog = 'docket.operators';

const userAgentBytesMax = 2_048;

/** Where a request came from that an event of our own tells of. */
export interface RequestOrigin {
  readonly ip: string;
  readonly userAgent: string;
  readonly requestId: string;
}

/** The record of an event of Docket's own, with the header that marks it (decisions/0017). An event without an id gets one. Throws a TypeError for an invalid event: a bug. */
export function ownRecordOf(
  event: EventInput,
  { schemaId, mac }: { readonly schemaId: number; readonly mac: RecordMac },
): { readonly key: string; readonly value: Buffer; readonly headers: Readonly<Record<string, Buffer>> } {
  const parsed = parseEvent(event, Date.now(), newEventId());
  if (!parsed.ok) throw new TypeError(`an event of our own is invalid: ${JSON.stringify(parsed.errors)}`);
  const key = event.tenant_id;
  const value = frameAvro(schemaId, encodeEvent(parsed.event));
  return { key, value, headers: mac.sign(key, value) };
}

/** As much of a user agent as an event has room for. */
export function cutUserAgent(userAgent: string): string {
  return cutBytes(userAgent, userAgentBytesMax);
}

/** What an event of our own says of where a request came from. */
export function contextOfOrigin({ ip, userAgent, requestId }: RequestOrigin): NonNullable<EventInput['context']> {
  return {
    // An address with a zone (fe80::1%eth0) means something on one host only.
    ...(isIP(ip) === 0 || ip.includes('%') ? {} : { ip }),
    ...(userAgent === '' ? {} : { user_agent: cutUserAgent(userAgent) }),
    ...(requestId === '' ? {} : { request_id: requestId }),
  };
}
