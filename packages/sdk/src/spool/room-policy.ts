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
  /** Events of others have come, too, since the start: there is somebody to leave room for. */
  readonly isShared: boolean;
}

/**
 * Whether an event finds room: undefined, or why not. I7: of a tenant no more may wait than there is room left, which is half of what the others leave: of one
 * that floods the spool half of it, of two a third each, and so on, so that others always find some. A spool of one tenant is all its own, unless it
 * is held back: then others may well come before it is taken again.
 */
export function fullnessOf({ kept, room, waiting, coming, ...tenant }: Standing): Fullness | undefined {
  const { tenantId, ofTenant, isHeldBack, isShared } = tenant;
  const left = {
    events: room.events - waiting.events - coming.events,
    bytes: room.bytes - waiting.bytes - coming.bytes,
  };
  const where = kept === 'disk' ? 'on disk' : 'in memory';
  if (left.events < 0 || left.bytes < 0)
    return { detail: `${waiting.events} events, ${waiting.bytes} bytes wait ${where}`, isOfTenant: false };
  const leavesAsMuch = ofTenant.events <= left.events && ofTenant.bytes <= left.bytes;
  if (leavesAsMuch || !(isHeldBack || isShared)) return undefined;
  const why = isHeldBack ? ', of which the receiver takes no more for now' : '; the rest is for others';
  const detail = `${ofTenant.events} events, ${ofTenant.bytes} bytes of ${tenantId} wait ${where}${why}`;
  return { detail, isOfTenant: true };
}
