import { badBodies } from './bad-bodies.ts';
import { badConnections } from './bad-connections.ts';
import type { HostileRequest } from './hostile-request.ts';

/** Every hostile request to POST /v1/events that we know of. The key may write the tenant; nothing of any of them may be published. */
export function hostileRequests(victim: {
  readonly authorization: string;
  readonly tenantId: string;
}): HostileRequest[] {
  return [...badBodies(victim), ...badConnections(victim)];
}
