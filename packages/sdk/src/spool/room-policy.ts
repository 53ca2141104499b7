import type { Kept, Size } from './entry.ts';

/** Why there is no room for an event. */
export interface Fullness {
  readonly detail: string;
  /** For its tenant alone: events of others may pass it. */
  readonly isOfTenant: boolean;
}

export interface Standing {
  readonly kept: Kept;
  /** Of the whole spool. */
  readonly room: Size;
  /** What waits already, of all tenants. */
  readonly waiting: Size;
  /** What is on its way into the spool, the event in question included. */
  readonly coming: Size;
  readonly tenantId: string;
  /** Of the tenant alone: what waits and what is on its way. */
  readonly ofTenant: Size;
  /** The receiver takes nothing more of the tenant for now. */
  readonly isHeldBack: boolean;
}

/**
 * Whether an event finds room: undefined, or why not. I7: of a tenant that is held back no more may wait than there is room left: of one such tenant half
 * of the spool, of two a third each, and so on, so that others always find some, whoever floods it.
 */
export function fullnessOf({ kept, room, waiting, coming, ...tenant }: Standing): Fullness | undefined {
  const { tenantId, ofTenant, isHeldBack } = tenant;
  const left = {
    events: room.events - waiting.events - coming.events,
    bytes: room.bytes - waiting.bytes - coming.bytes,
  };
  const where = kept === 'disk' ? 'on disk' : 'in memory';
  if (left.events < 0 || left.bytes < 0)
    return { detail: `${waiting.events} events, ${waiting.bytes} bytes wait ${where}`, isOfTenant: false };
  if (!isHeldBack || (ofTenant.events <= left.events && ofTenant.bytes <= left.bytes)) return undefined;
  const detail = `${ofTenant.events} events, ${ofTenant.bytes} bytes of ${tenantId} wait ${where}, of which the receiver takes no more for now`;
  return { detail, isOfTenant: true };
}
