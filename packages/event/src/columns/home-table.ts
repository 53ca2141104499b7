import { isReserved, logOf, strayLogOf } from '../log-identity.ts';

/** A log whose records may take the fast path: a tenant's, on its own partition, and not reserved. */
export interface Home {
  readonly log: string;
  readonly bytes: Buffer;
  /** Of the log in the duplicate window. */
  readonly number: number;
  /** The last seq. */
  head: number;
}

export interface HomeTable {
  /** Undefined for a key that is no home on this partition. */
  find(key: Buffer, partition: number): Home | undefined;
}

interface HomeTableStart {
  readonly partitions: number;
  /** Called once for each home, at its first record. */
  readonly open: (log: string) => Pick<Home, 'number' | 'head'>;
}

const initialSlots = 256;

/** Homes by the bytes of their key, so that a record needs no string: open addressing, at most half full. */
export function createHomeTable({ partitions, open }: HomeTableStart): HomeTable {
  let slots: (Home | undefined)[] = Array.from({ length: initialSlots });
  let size = 0;

  function slotOf(key: Buffer): number {
    const mask = slots.length - 1;
    for (let slot = hashOf(key) & mask; ; slot = (slot + 1) & mask) {
      const home = slots[slot];
      if (home === undefined || isSame(home.bytes, key)) return slot;
    }
  }

  function add(home: Home): void {
    if (size * 2 >= slots.length) {
      const before = slots;
      slots = Array.from({ length: before.length * 2 });
      for (const known of before) if (known !== undefined) slots[slotOf(known.bytes)] = known;
    }
    size += 1;
    slots[slotOf(home.bytes)] = home;
  }

  return {
    find(key, partition) {
      const known = slots[slotOf(key)];
      if (known !== undefined) return known;
      const log = logOf(key, partition, partitions);
      if (log === strayLogOf(partition) || isReserved(log)) return undefined;
      const home = { log, bytes: Buffer.from(log), ...open(log) };
      add(home);
      return home;
    },
  };
}

/** FNV-1a with a final shift. Not murmur2: all keys of a partition agree in some bits of that. */
function hashOf(key: Buffer): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ (key[index] ?? 0), 0x01000193);
  return hash ^ (hash >>> 15);
}

function isSame(one: Buffer, other: Buffer): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index += 1) if (one[index] !== other[index]) return false;
  return true;
}
