/** The idempotency window: this many preceding records of the partition. A constant: seq and status must not depend on settings. */
export const windowRecords = 2 ** 18;

export type Verdict = 'accepted' | 'duplicate' | 'conflict';

/**
 * The identities accepted among the last `windowRecords` records of one partition. MUST see every record of the
 * partition exactly once and in offset order: `admit` for events, `pass` for every other record.
 */
export interface DuplicateWindow {
  /** Judges an event by its identity and content (unsigned 64-bit hashes) and remembers it if it is accepted. */
  admit(identity: bigint, content: bigint): Verdict;
  /** A record that is no accepted event takes its place in the window. */
  pass(): void;
  /** On refill, from the stored rows: a record that was accepted then. */
  restore(identity: bigint, content: bigint): void;
}

/** About 9 MiB: a ring of the records and an open-addressing index into it (linear probing, at most half full). */
export function createDuplicateWindow(records: number = windowRecords): DuplicateWindow {
  const identities = new BigUint64Array(records);
  const contents = new BigUint64Array(records);
  const isAccepted = new Uint8Array(records);
  const slots = 2 ** Math.ceil(Math.log2(records * 2));
  const mask = slots - 1;
  /** Ring position + 1; 0 is free. */
  const index = new Int32Array(slots);
  let next = 0;

  const homeOf = (identity: bigint): number => Number(identity & BigInt(mask));
  const identityAt = (slot: number): bigint => identities[(index[slot] ?? 0) - 1] ?? 0n;

  function find(identity: bigint): number {
    for (let slot = homeOf(identity); ; slot = (slot + 1) & mask) {
      if (index[slot] === 0 || identityAt(slot) === identity) return slot;
    }
  }

  /** Deletion by shifting back, so that no probe chain breaks (Knuth, TAOCP 3, 6.4 R). */
  function remove(identity: bigint): void {
    let hole = find(identity);
    if (index[hole] === 0) return;
    for (let slot = (hole + 1) & mask; index[slot] !== 0; slot = (slot + 1) & mask) {
      const distance = (slot - homeOf(identityAt(slot))) & mask;
      if (distance >= ((slot - hole) & mask)) {
        index[hole] = index[slot] ?? 0;
        hole = slot;
      }
    }
    index[hole] = 0;
  }

  function advance(): number {
    const position = next;
    if (isAccepted[position] === 1) remove(identities[position] ?? 0n);
    isAccepted[position] = 0;
    next = (next + 1) % records;
    return position;
  }

  function remember(identity: bigint, content: bigint): void {
    const position = advance();
    identities[position] = identity;
    contents[position] = content;
    isAccepted[position] = 1;
    index[find(identity)] = position + 1;
  }

  return {
    admit(identity, content) {
      const found = index[find(identity)] ?? 0;
      if (found === 0) {
        remember(identity, content);
        return 'accepted';
      }
      advance();
      return contents[found - 1] === content ? 'duplicate' : 'conflict';
    },
    pass: () => void advance(),
    restore: remember,
  };
}
