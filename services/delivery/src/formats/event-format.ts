import type { SentEvent } from '../batches/batch-encoding.ts';

/** What an event looks like at the receiver. Whatever it looks like, its seq and the one of the event sent before it are in it. */
export type EventFormat = (event: SentEvent) => object;

/** As the API shows it. */
export const nativeFormat: EventFormat = (event) => event;

/** As the API shows it, except that values of changes are JSON text: they are of any type, and a field of an index has one. */
export const nativeFormatForIndexes: EventFormat = (event) => {
  if (event.changes === undefined) return event;
  const changes = event.changes.map((change) => ({
    ...change,
    ...('old' in change ? { old: JSON.stringify(change.old) } : {}),
    ...('new' in change ? { new: JSON.stringify(change.new) } : {}),
  }));
  return { ...event, changes };
};
