/** An event that waits to be sent, already as JSON text: later changes by the application cannot reach it. */
export interface Entry {
  id: string;
  text: string;
  bytes: number;
  /** Told once what became of the event. */
  onSettled?: ((settlement: Settlement) => void) | undefined;
}

export type Settlement = { kind: 'accepted' } | { kind: 'refused' | 'misconfigured'; detail: string };

export interface EventQueue {
  /** False when the queue is full: the entry is not in it. */
  push(entry: Entry): boolean;
  /** The oldest entries, at least one if there is any, within both limits. They stay in the queue. */
  peek(eventsMax: number, bytesMax: number): Entry[];
  /** Takes the oldest `count` entries out. */
  drop(count: number): void;
  size(): { events: number; bytes: number };
}

/** First in, first out, with a limit on both events and bytes (I8). What is being sent counts until it is dropped. */
export function createEventQueue(limits: { eventsMax: number; bytesMax: number }): EventQueue {
  let entries: Entry[] = [];
  let head = 0;
  let bytes = 0;

  return {
    push(entry) {
      if (entries.length - head >= limits.eventsMax || bytes + entry.bytes > limits.bytesMax) return false;
      entries.push(entry);
      bytes += entry.bytes;
      return true;
    },
    peek(eventsMax, bytesMax) {
      const batch: Entry[] = [];
      let batchBytes = 0;
      for (const entry of entries.slice(head, head + eventsMax)) {
        batchBytes += entry.bytes;
        if (batch.length > 0 && batchBytes > bytesMax) break;
        batch.push(entry);
      }
      return batch;
    },
    drop(count) {
      for (const entry of entries.slice(head, head + count)) bytes -= entry.bytes;
      head = Math.min(head + count, entries.length);
      // Moving the rest only when most is gone keeps a drop cheap on average.
      if (head * 2 >= entries.length) {
        entries = entries.slice(head);
        head = 0;
      }
    },
    size: () => ({ events: entries.length - head, bytes }),
  };
}
