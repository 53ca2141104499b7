import { mergedParked } from '@docket/directory';
import type { ParkedEvent } from '@docket/directory';

/** The parked events of all subscriptions, in memory. */
export interface ParkedLists {
  /** Merges it with what is known of it, and gives that. */
  put(subscriptionId: string, parked: ParkedEvent): ParkedEvent;
  remove(subscriptionId: string, seq: number): void;
  get(subscriptionId: string, seq: number): ParkedEvent | undefined;
  /** By seq. */
  of(subscriptionId: string): readonly ParkedEvent[];
  count(): number;
}

export function createParkedLists(): ParkedLists {
  const lists = new Map<string, Map<number, ParkedEvent>>();
  return {
    put: (subscriptionId, parked) => {
      const list = lists.get(subscriptionId) ?? new Map<number, ParkedEvent>();
      const merged = mergedParked(list.get(parked.seq), parked);
      lists.set(subscriptionId, list.set(parked.seq, merged));
      return merged;
    },
    remove: (subscriptionId, seq) => {
      const list = lists.get(subscriptionId);
      list?.delete(seq);
      if (list?.size === 0) lists.delete(subscriptionId);
    },
    get: (subscriptionId, seq) => lists.get(subscriptionId)?.get(seq),
    of: (subscriptionId) => [...(lists.get(subscriptionId)?.values() ?? [])].sort((a, b) => a.seq - b.seq),
    count: () => [...lists.values()].reduce((sum, list) => sum + list.size, 0),
  };
}
