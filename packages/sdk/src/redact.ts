import type { EventInput } from './event-input.ts';
import { jsonFieldsOf, jsonValueOf } from './json-value.ts';

const mark = '[redacted]';
/** I8: what lies deeper is redacted whole. */
const depthMax = 16;

/**
 * A function for the option `redact`: the value of every key of these names becomes `[redacted]`, wherever it is in `changes`, `metadata`,
 * actor and resources; so do `old` and `new` of a change whose path ends in one. Names match whatever their case and their `_` or `-`: `apiKey`
 * finds `API_KEY`. Of a value with a toJSON it sees what that gives. The event that is handed in is not changed.
 */
export function redactKeys(names: readonly string[]): (event: EventInput) => EventInput {
  const hidden = new Set(names.map(plainName));
  const isHidden = (name: string): boolean => hidden.has(plainName(name));

  function cleaned(given: unknown, key: string, depth = 0): unknown {
    const value = jsonValueOf(given, key);
    if (typeof value !== 'object' || value === null) return value;
    if (depth >= depthMax) return mark;
    if (Array.isArray(value)) return value.map((item, index) => cleaned(item, String(index), depth + 1));
    return cleanedObject(value, depth);
  }

  function cleanedObject<T extends object>(object: T, depth = 0): T {
    const entries = jsonFieldsOf(object).map(([name, value]) => [
      name,
      isHidden(name) && value !== undefined ? mark : cleaned(value, name, depth + 1),
    ]);
    return Object.fromEntries(entries);
  }

  return (event) => ({
    ...event,
    ...(event.actor && { actor: cleanedParty(event.actor, 'actor') }),
    ...(event.resources && { resources: event.resources.map((one, index) => cleanedParty(one, String(index))) }),
    ...metadataOf(event),
    ...(event.changes && {
      changes: event.changes.map((change) => {
        const isWhole = change.path.split('.').some(isHidden);
        return {
          path: change.path,
          ...('old' in change && { old: isWhole ? mark : cleaned(change.old, 'old') }),
          ...('new' in change && { new: isWhole ? mark : cleaned(change.new, 'new') }),
        };
      }),
    }),
  });

  function cleanedParty<T extends Pick<EventInput, 'metadata'>>(given: T, key: string): T {
    const party = jsonValueOf(given, key);
    // What is left of a toJSON would speak a second time.
    return { ...party, ...metadataOf(party), toJSON: undefined };
  }

  function metadataOf({ metadata }: Pick<EventInput, 'metadata'>): Pick<EventInput, 'metadata'> {
    return metadata === undefined ? {} : { metadata: cleanedObject(jsonValueOf(metadata, 'metadata')) };
  }
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}
