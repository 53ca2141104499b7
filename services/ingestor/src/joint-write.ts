import { setImmediate as turn } from 'node:timers/promises';

/**
 * Writes together what comes in one turn of the event loop under the same key, such as the partitions of one fetch: an insert costs the same for one row and for a
 * thousand. Each caller gets the outcome of the whole, also its rejection.
 */
export function createJointWrite<Item, Outcome>(
  write: (key: string, items: readonly Item[]) => Promise<Outcome>,
): (key: string, items: readonly Item[]) => Promise<Outcome> {
  const joint = new Map<string, { readonly parts: (readonly Item[])[]; readonly written: Promise<Outcome> }>();

  const begin = (key: string) => {
    const parts: (readonly Item[])[] = [];
    const written = turn().then(() => {
      joint.delete(key);
      return write(key, parts.flat());
    });
    const begun = { parts, written };
    joint.set(key, begun);
    return begun;
  };

  return (key, items) => {
    const { parts, written } = joint.get(key) ?? begin(key);
    parts.push(items);
    return written;
  };
}
