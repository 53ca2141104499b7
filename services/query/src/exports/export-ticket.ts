import { randomUUID } from 'node:crypto';
import type { Caller } from '../gate/reader-policy.ts';
import { createSeal } from '../tokens/seal.ts';
import type { TokenKey } from '../tokens/token-keys.ts';

/** Long enough to hand the address to the browser and for its request to arrive. */
const lifeMs = 60_000;
/** With the path and the headers of a browser it stays below the 8 KiB that common proxies take. */
export const ticketCharactersMax = 6_000;

/** One export that somebody may fetch, once, without showing the credential again. */
export interface ExportTicket {
  readonly ticketId: string;
  readonly caller: Caller;
  readonly tenantId: string;
  /** The query string of the export. */
  readonly query: string;
  /** µs since the epoch: what its relative times count from. */
  readonly nowMicros: number;
  readonly expiresAtMs: number;
}

export interface ExportTickets {
  issue(
    ticket: Pick<ExportTicket, 'caller' | 'tenantId' | 'query'>,
    nowMs: number,
  ): { text: string; expiresAtMs: number };
  /** Null: not one of ours, or expired. Whether it has been used is for ExportRecords to say. */
  read(text: string, nowMs: number): ExportTicket | null;
}

/**
 * Tickets hold all that the export needs, sealed: any instance takes one, and neither the credential nor what is searched for
 * stands in the address.
 */
export function createExportTickets(keys: readonly TokenKey[]): ExportTickets {
  const seal = createSeal(keys.map(({ id, ticketSealing: bytes }) => ({ id, bytes })));
  return {
    issue(asked, nowMs) {
      const expiresAtMs = nowMs + lifeMs;
      const ticket: ExportTicket = { ...asked, ticketId: randomUUID(), nowMicros: nowMs * 1_000, expiresAtMs };
      return { text: seal.seal(Buffer.from(JSON.stringify(ticket))), expiresAtMs };
    },
    read(text, nowMs) {
      const bytes = seal.open(text);
      if (bytes === null) return null;
      // The border: what opens was sealed by `issue`, of this version or one that an instance beside it still runs.
      const ticket = JSON.parse(bytes.toString('utf8')) as ExportTicket;
      return ticket.expiresAtMs > nowMs ? ticket : null;
    },
  };
}
