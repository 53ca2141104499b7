import type { RawRequest } from './raw-http.ts';

export interface HostileRequest {
  readonly name: string;
  readonly request: RawRequest;
  /** Of every answer. */
  readonly status: number;
  readonly code: string;
  /** Default 1. */
  readonly answers?: number;
  /** The server must end the connection, so that nothing after the refused request is read as another. */
  readonly closes?: boolean;
  /** Default 5 s. */
  readonly withinMs?: number;
}

export interface Victim {
  readonly authorization: string;
  readonly tenantId: string;
}

/** An event that would be published if it were read as a request of its own. */
export function goodEvent({ tenantId }: Victim): string {
  return JSON.stringify({ tenant_id: tenantId, action: 'user.created', actor: { type: 'user', id: 'smuggled' } });
}

/** A request, as bytes. A header may stand several times. */
export function postOf(victim: Victim, headers: readonly string[], body: string | Buffer): Buffer {
  const head = ['POST /v1/events HTTP/1.1', 'Host: gateway', `Authorization: ${victim.authorization}`, ...headers];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]);
}
