import type { EventInput } from './event-input.ts';

const mark = '[redacted]';
/** I8: what lies deeper is redacted whole. */
const depthMax = 16;

/**
 * A function for the option `redact`: the value of every key of these names becomes `[redacted]`, wherever it is in `changes`, `metadata`,
 * actor and resources; so do `old` and `new` of a change whose path ends in one. Names match whatever their case and their `_` or `-`: `apiKey`
 * finds `API_KEY`. The event that is handed in is not changed.
 */
export function redactKeys(names: readonly string[]): (event: EventInput) => EventInput {
  const hidden = new Set(names.map(plainName));
  const isHidden = (name: string): boolean => hidden.has(plainName(name));

  function cleaned(value: unknown, depth: number): unknown {
    if (typeof value !== 'object' || value === null || value instanceof Date) return value;
    if (depth >= depthMax) return mark;
    if (Array.isArray(value)) return value.map((item) => cleaned(item, depth + 1));
    return cleanedObject(value, depth);
  }

  function cleanedObject<T extends object>(object: T, depth = 0): T {
    const entries = Object.entries(object).map(([name, value]) => [
      name,
      isHidden(name) && value !== undefined ? mark : cleaned(value, depth + 1),
    ]);
    return Object.fromEntries(entries);
  }

  return (event) => ({
    ...event,
    ...(event.actor && { actor: { ...event.actor, ...metadataOf(event.actor) } }),
    ...(event.resources && { resources: event.resources.map((one) => ({ ...one, ...metadataOf(one) })) }),
    ...metadataOf(event),
    ...(event.changes && {
      changes: event.changes.map((change) => {
        const isWhole = change.path.split('.').some(isHidden);
        return {
          path: change.path,
          ...('old' in change && { old: isWhole ? mark : cleaned(change.old, 0) }),
          ...('new' in change && { new: isWhole ? mark : cleaned(change.new, 0) }),
        };
      }),
    }),
  });

  function metadataOf({ metadata }: Pick<EventInput, 'metadata'>): Pick<EventInput, 'metadata'> {
    return metadata === undefined ? {} : { metadata: cleanedObject(metadata) };
  }
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}
