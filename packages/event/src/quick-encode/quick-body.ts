import { isUtf8 } from 'node:buffer';
import {
  beginScan,
  closeArray,
  closeObject,
  createJsonScanner,
  expectByte,
  hasNext,
  openArray,
  openObject,
  openValue,
  peekByte,
  quote,
  scanName,
  uncertain,
} from './json-scanner.ts';
import { encodeQuickly, type QuickContext, type QuickEvent } from './quick-event.ts';

export interface QuickBody {
  /** The body is the event itself. */
  readonly isSingle: boolean;
  readonly events: readonly QuickEvent[];
}

export interface QuickLimits {
  readonly eventsMax: number;
  /** Members and items of the whole body. */
  readonly valuesMax: number;
}

/** One body at a time is read. */
const scanner = createJsonScanner();
const eventsName = Buffer.from('events');

/**
 * Encodes the body of a request, one event or `{"events":[…]}`, if all of it is plainly good, byte for byte as it would be after having been parsed, judged
 * and normalised: no escapes, no repeated member, nothing near a limit. Undefined for all else, which has to be judged, for what is good and to say what is
 * wrong. A third of the price.
 */
export function encodeBodyQuickly(bytes: Buffer, context: QuickContext, limits: QuickLimits): QuickBody | undefined {
  if (!isUtf8(bytes)) return undefined;
  beginScan(scanner, bytes);
  try {
    const isSingle = !beginsWithEvents();
    const events = isSingle
      ? [encodeQuickly(scanner, 0, context)]
      : readEvents({ ...context, traceId: undefined }, limits);
    // Nothing but white space behind it.
    if (peekByte(scanner) !== 0 || scanner.at !== bytes.length || scanner.values >= limits.valuesMax) return undefined;
    return hasRepeatedId(events) ? undefined : { isSingle, events };
  } catch (error) {
    if (error === uncertain) return undefined;
    throw error;
  }
}

/** Goes to the array of events, if that is what the body begins with; back to its beginning otherwise. */
function beginsWithEvents(): boolean {
  openValue(scanner, openObject);
  if (peekByte(scanner) === quote) {
    scanName(scanner);
    const { bytes, textFrom, textTo } = scanner;
    if (eventsName.compare(bytes, textFrom, textTo) === 0) return true;
  }
  beginScan(scanner, scanner.bytes);
  return false;
}

function readEvents(context: QuickContext, { eventsMax }: QuickLimits): QuickEvent[] {
  const events: QuickEvent[] = [];
  openValue(scanner, openArray);
  while (hasNext(scanner, events.length, closeArray)) {
    if (events.length >= eventsMax) throw uncertain;
    events.push(encodeQuickly(scanner, events.length, context));
  }
  if (events.length === 0) throw uncertain;
  expectByte(scanner, closeObject);
  return events;
}

function hasRepeatedId(events: readonly QuickEvent[]): boolean {
  // Ids that were made for them differ.
  if (events.length === 1 || !events.some(({ hasOwnId }) => hasOwnId)) return false;
  return new Set(events.map(({ id, tenantId }) => `${tenantId} ${id}`)).size < events.length;
}
