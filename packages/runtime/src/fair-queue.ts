/** Items that wait, in the order of each owner, and in turn of all owners (I7): whoever has many waits behind himself. */
export interface FairQueue<Item> {
  push(owner: string, item: Item): void;
  /** The next one, taken out; undefined when there is none. */
  take(): Item | undefined;
  /** Takes one out that need not wait any more; nothing where it is not there. */
  withdraw(owner: string, item: Item): void;
}

export function createFairQueue<Item>(): FairQueue<Item> {
  /** Owners that wait, the next one first; each has at least one item. */
  const waiting = new Map<string, Item[]>();

  return {
    push: (owner, item) => {
      const own = waiting.get(owner);
      if (own === undefined) waiting.set(owner, [item]);
      else own.push(item);
    },
    take: () => {
      for (const [owner, items] of waiting) {
        const item = items.shift();
        waiting.delete(owner);
        // Behind the others, for his next one.
        if (items.length > 0) waiting.set(owner, items);
        return item;
      }
      return undefined;
    },
    withdraw: (owner, item) => {
      const left = (waiting.get(owner) ?? []).filter((one) => one !== item);
      if (left.length > 0) waiting.set(owner, left);
      else waiting.delete(owner);
    },
  };
}
