/** An event's key: its place, and how many bytes of events were ever put into the spool before it. */
export interface EntryKey {
  readonly place: number;
  readonly startByte: number;
}

/** As many as the digits of the greatest safe integer, so that the order of keys is that of numbers. */
const digits = 16;
const padded = (value: number): string => String(value).padStart(digits, '0');

/** Below every event. */
export const entriesFrom = 'e!';
/** Above every event. */
export const entriesTo = 'e~';
/** Below every event that is held back, whichever its tenant. */
export const heldFrom = 'h!';
/** Above every such event. */
export const heldTo = 'h~';
export const headKey = 'm!head';
export const spoolIdKey = 'm!id';

/**
 * With both numbers in the key, how many events and bytes wait is the difference of the first and the last key: opening a
 * spool of a gigabyte reads two of them.
 */
export function entryKeyText({ place, startByte }: EntryKey): string {
  return `${entriesFrom}${padded(place)}!${padded(startByte)}`;
}

/** Above every key of this place, below those of the next. */
export function afterPlaceText(place: number): string {
  return `${entriesFrom}${padded(place)}~`;
}

export function parseEntryKey(text: string): EntryKey {
  const place = Number(text.slice(2, 2 + digits));
  const startByte = Number(text.slice(3 + digits));
  if (!Number.isSafeInteger(place) || !Number.isSafeInteger(startByte)) throw new Error(`no key of an event: ${text}`);
  return { place, startByte };
}

/** Numbers are counted for each instance that uses the spool, one after another. Both names may be any text. */
export function counterKey(instance: string, tenantId: string): string {
  return `c!${JSON.stringify([instance, tenantId])}`;
}

/** An event that was held back, in the order of its tenant's. The tenant may be any text. */
export function heldKeyText(tenantId: string, place: number): string {
  return `${heldFrom}${JSON.stringify(tenantId)}!${padded(place)}`;
}

/** Above every event held back of this tenant, up to this place. */
export function afterHeldText(tenantId: string, place: number): string {
  return `${heldKeyText(tenantId, place)}~`;
}

export function parseHeldKey(text: string): { readonly tenantId: string; readonly place: number } {
  const place = Number(text.slice(-digits));
  const tenantId: unknown = JSON.parse(text.slice(heldFrom.length, -digits - 1));
  if (typeof tenantId !== 'string' || !Number.isSafeInteger(place)) throw new Error(`no key of a held event: ${text}`);
  return { tenantId, place };
}
