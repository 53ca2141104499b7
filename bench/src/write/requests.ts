import { toWireEvent } from '@docket/event';
import { createWorkload } from '../ingest/workload.ts';

/** So many different requests are made, and sent in turn. */
const differentRequests = 200;

/** Whole requests as bytes: events as an application sends them, without ids, which the gateway makes, so that none repeats. */
export function requestsOf(events: number, tenants: number, authorization: string): Buffer[] {
  const next = createWorkload(tenants);
  return Array.from({ length: differentRequests }, () => {
    const inputs = Array.from({ length: events }, () => {
      const wire = toWireEvent(next());
      if (wire === null) throw new Error('an event of the workload has no wire form');
      const { id: _id, occurred_at: _at, ...input } = wire;
      return input;
    });
    const body = JSON.stringify(events === 1 ? inputs[0] : { events: inputs });
    const head = [
      'POST /v1/events HTTP/1.1',
      'Host: gateway',
      `Authorization: ${authorization}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
  });
}
