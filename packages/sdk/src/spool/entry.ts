/** An event that waits to be sent, already as JSON text: later changes by the application cannot reach it. */
export interface Entry {
  /** Its place in its segment: rises by one with each event. */
  readonly place: number;
  readonly text: string;
  readonly bytes: number;
  /** False for what an earlier process has left behind. */
  readonly isOwn: boolean;
}

/** An event that is not kept yet. `body` is its JSON without `source`, which needs the running number of where it will be kept. */
export interface Draft {
  readonly id: string;
  readonly tenantId: string;
  readonly body: string;
  readonly bytes: number;
  /** It has a running number, so that its loss shows. */
  readonly isNumbered: boolean;
  /** Told what became of the event: once when it is settled, and each time that the configuration is refused. */
  readonly onSettled?: Listener | undefined;
}

export type Settlement = { kind: 'accepted' } | { kind: 'refused' | 'misconfigured'; detail: string };
export type Listener = (settlement: Settlement) => void;

/** Where an event is kept until it is in the log. */
export type Kept = 'disk' | 'memory';

/** A draft with its source: what is kept and sent. */
export interface NewEntry {
  readonly text: string;
  readonly bytes: number;
  readonly onSettled: Listener | undefined;
  /** The running number that the text has; kept with it. Undefined when it was counted elsewhere, or has none. */
  readonly counted: { readonly tenantId: string; readonly counter: number } | undefined;
}

/** How many events, and how many bytes they have. */
export interface Size {
  readonly events: number;
  readonly bytes: number;
}

/** How much there is of each tenant. */
export type TenantSizes = ReadonlyMap<string, Size>;

/** How much one request takes. */
export interface BatchLimits {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

export function sizeOf(entries: readonly { readonly bytes: number }[]): Size {
  return { events: entries.length, bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** The longest start of `entries` within both limits, at least one if there is any. */
export function startWithin<T extends { readonly bytes: number }>(entries: readonly T[], limits: BatchLimits): T[] {
  const taken: T[] = [];
  let bytes = 0;
  for (const entry of entries) {
    bytes += entry.bytes;
    if (taken.length > 0 && (taken.length >= limits.eventsMax || bytes > limits.bytesMax)) break;
    taken.push(entry);
  }
  return taken;
}

/** The id in the text of an event, for reports. */
export function idOf(entry: { readonly text: string }): string | undefined {
  return textFieldOf(entry, 'id');
}

/** As a recorder writes it (toWireText): found without parsing all of it. */
const begin = /^\{"id":"[^"\\]*","tenant_id":"([^"\\]*)"/;

/** The tenant in the text of an event. */
export function tenantIdOf(entry: { readonly text: string }): string {
  return begin.exec(entry.text)?.[1] ?? textFieldOf(entry, 'tenant_id') ?? '';
}

/** How many of the entries come before the first that has the id and the tenant of an earlier one. Runs for each event that is sent. */
export function countBeforeRepetition(entries: readonly { readonly text: string }[]): number {
  const seen = new Set<string>();
  for (const [index, { text }] of entries.entries()) {
    // In one case, as the receiver takes ids; what does not begin so has no id that it would take.
    const identity = begin.exec(text)?.[0].toLowerCase();
    if (identity === undefined) continue;
    if (seen.has(identity)) return index;
    seen.add(identity);
  }
  return entries.length;
}

/** Undefined also where the text is no JSON: LevelDB may give back what a disk has changed, and the receiver refuses that. */
function textFieldOf({ text }: { readonly text: string }, name: string): string | undefined {
  try {
    const event: unknown = JSON.parse(text);
    const value: unknown = typeof event === 'object' && event !== null ? Reflect.get(event, name) : undefined;
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
