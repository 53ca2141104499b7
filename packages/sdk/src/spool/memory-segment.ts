import { randomBytes } from 'node:crypto';
import { type Entry, type NewEntry, startWithin } from './entry.ts';
import type { Segment } from './segment.ts';

export interface MemorySegment extends Segment {
  /** Everything that is in it, to be moved to a disk that works again. */
  all(): readonly NewEntry[];
}

/** In memory: lost with the process. The spool bounds it. */
export function createMemorySegment(): MemorySegment {
  let entries: (Entry & NewEntry)[] = [];
  let head = 0;
  let bytes = 0;
  let lastPlace = 0;

  return {
    kept: 'memory',
    id: randomBytes(4).toString('hex'),
    counterOf: () => 0,
    async append(added) {
      for (const entry of added) {
        lastPlace += 1;
        entries.push({ ...entry, place: lastPlace, isOwn: true });
        bytes += entry.bytes;
      }
    },
    async peek(limits) {
      return startWithin(entries.slice(head, head + limits.eventsMax), limits);
    },
    async drop(dropped) {
      for (const entry of dropped) bytes -= entry.bytes;
      head += dropped.length;
      // Moving the rest only when most is gone keeps a drop cheap on average.
      if (head * 2 >= entries.length) {
        entries = entries.slice(head);
        head = 0;
      }
    },
    listenerOf: ({ place }) => entries[head + place - (entries[head]?.place ?? 0)]?.onSettled,
    size: () => ({ events: entries.length - head, bytes }),
    // Their numbers are those of this segment: another one does not go on counting from them.
    all: () => entries.slice(head).map((entry) => ({ ...entry, counted: undefined })),
  };
}
