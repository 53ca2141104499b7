import { ownRecordOf } from '@docket/event';
import { eventOfTelling, shortEventOfTelling } from './trail-event-mapper.ts';
import type { TrailTelling } from './trail-windows.ts';

type OwnRecord = ReturnType<typeof ownRecordOf>;

/** `error`: why it is not told whole. Without a record it cannot be told at all. */
export interface ToldRecord {
  readonly telling: TrailTelling;
  readonly record: OwnRecord | null;
  readonly error: unknown;
}

/** The record of a telling, shortened where it is no valid event. Never throws: one that cannot be told must not hold up the others. */
export function recordOfTelling(telling: TrailTelling, form: Parameters<typeof ownRecordOf>[1]): ToldRecord {
  try {
    return { telling, record: ownRecordOf(eventOfTelling(telling), form), error: null };
  } catch (error) {
    return { telling, record: shortRecordOf(telling, form), error };
  }
}

function shortRecordOf(telling: TrailTelling, form: Parameters<typeof ownRecordOf>[1]): OwnRecord | null {
  try {
    return ownRecordOf(shortEventOfTelling(telling), form);
  } catch {
    return null;
  }
}
