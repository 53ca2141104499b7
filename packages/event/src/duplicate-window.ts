/** The idempotency window: this many preceding records of the partition. A constant: seq and status must not depend on settings. */
export const windowRecords = 2 ** 18;

export type Verdict = 'accepted' | 'duplicate' | 'conflict';

/** An event as the window compares it, in 32-bit words. Filled anew for each record and never kept. */
export interface Candidate {
  /** `logNumber` of the window. */
  log: number;
  /** The 16 bytes of its id. */
  id0: number;
  id1: number;
  id2: number;
  id3: number;
  /** Its content hash. */
  content0: number;
  content1: number;
}

/**
 * The events accepted among the last `windowRecords` records of one partition. MUST see every record of the partition
 * exactly once and in offset order: `admit` for events, `pass` for every other record. Logs and ids are compared
 * themselves, so that nobody can make an id that passes for another's; contents by their hash.
 */
export interface DuplicateWindow {
  /** How many records back it looks. */
  readonly records: number;
  /** A number that stands for this log in this window. */
  logNumber(log: string): number;
  /** Judges an event and remembers it if it is accepted. */
  admit(candidate: Candidate): Verdict;
  /** A record that is no accepted event takes its place in the window. */
  pass(): void;
  /** On refill, from the stored rows: a record that was accepted then. */
  restore(candidate: Candidate): void;
  /** The record that came `back` records ago (1: the last) is no accepted event after all. */
  retract(back: number): void;
  /** The record that came `back` records ago is an accepted event after all; no other accepted one may have its identity. */
  reinstate(back: number, candidate: Candidate): void;
}

/** log, id0..id3, content0, content1. */
const entryWords = 7;

/**
 * A slot of the index: ring position + 1, bits of the hash, and how far from its home it lies. 0 is free. The hash spares a look at the
 * entries of others, and the distance spares one at those that move up: each would be a wait for memory.
 */
const hashShift = 19;
const distanceShift = 27;
const positionMask = 2 ** hashShift - 1;
const hashMask = 0xff;
/** This far or farther: the entry says. */
const farDistance = 2 ** (32 - distanceShift) - 1;

/**
 * About 10 MiB: a ring of the records and an open-addressing index into it (linear probing, at most half full).
 * @param records at most 2^18
 * @param slotSeed decides where entries lie, never what is judged: a random one keeps producers from choosing ids that all
 *   fall on one place.
 */
export function createDuplicateWindow(records: number = windowRecords, slotSeed = 0): DuplicateWindow {
  if (records > windowRecords) throw new RangeError(`a window of ${records} records is larger than ${windowRecords}`);
  const entries = new Int32Array(records * entryWords);
  const isAccepted = new Uint8Array(records);
  const slots = 2 ** Math.ceil(Math.log2(records * 2));
  const mask = slots - 1;
  const index = new Int32Array(slots);
  const logs = new Map<string, number>();
  let next = 0;

  const wordAt = (position: number, word: number): number => entries[position * entryWords + word] ?? 0;

  const isSame = (position: number, event: Candidate): boolean =>
    wordAt(position, 4) === event.id3 &&
    wordAt(position, 3) === event.id2 &&
    wordAt(position, 2) === event.id1 &&
    wordAt(position, 1) === event.id0 &&
    wordAt(position, 0) === event.log;

  const hashOf = (log: number, id0: number, id1: number, id2: number, id3: number): number =>
    mixed(mixed(mixed(mixed(mixed(slotSeed, log), id0), id1), id2), id3);

  const homeOfPosition = (position: number): number =>
    mask &
    hashOf(wordAt(position, 0), wordAt(position, 1), wordAt(position, 2), wordAt(position, 3), wordAt(position, 4));

  const positionIn = (slot: number): number => ((index[slot] ?? 0) & positionMask) - 1;

  /** The slot of the event with this hash, or the free one where it belongs. */
  function find(event: Candidate, hash: number): number {
    const bits = hash >>> (32 - 8);
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = index[slot] ?? 0;
      if (found === 0) return slot;
      if (((found >>> hashShift) & hashMask) === bits && isSame((found & positionMask) - 1, event)) return slot;
    }
  }

  function distanceOf(slot: number): number {
    const distance = (index[slot] ?? 0) >>> distanceShift;
    return distance < farDistance ? distance : (slot - homeOfPosition(positionIn(slot))) & mask;
  }

  function put(slot: number, hashBits: number, position: number, distance: number): void {
    index[slot] = (Math.min(distance, farDistance) << distanceShift) | (hashBits << hashShift) | (position + 1);
  }

  /** Deletion by shifting back, so that no probe chain breaks (Knuth, TAOCP 3, 6.4 R). */
  function remove(position: number): void {
    isAccepted[position] = 0;
    let hole = homeOfPosition(position);
    while (positionIn(hole) !== position) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; index[slot] !== 0; slot = (slot + 1) & mask) {
      const distance = distanceOf(slot);
      const way = (slot - hole) & mask;
      if (distance < way) continue;
      put(hole, ((index[slot] ?? 0) >>> hashShift) & hashMask, positionIn(slot), distance - way);
      hole = slot;
    }
    index[hole] = 0;
  }

  function advance(): number {
    const position = next;
    if (isAccepted[position] === 1) remove(position);
    next = position + 1 === records ? 0 : position + 1;
    return position;
  }

  function remember(position: number, event: Candidate, hash: number): void {
    const slot = find(event, hash);
    put(slot, hash >>> (32 - 8), position, (slot - hash) & mask);
    isAccepted[position] = 1;
    const at = position * entryWords;
    entries[at] = event.log;
    entries[at + 1] = event.id0;
    entries[at + 2] = event.id1;
    entries[at + 3] = event.id2;
    entries[at + 4] = event.id3;
    entries[at + 5] = event.content0;
    entries[at + 6] = event.content1;
  }

  const hashOfEvent = ({ log, id0, id1, id2, id3 }: Candidate): number => hashOf(log, id0, id1, id2, id3);
  const positionOf = (back: number): number => (next - back + records) % records;

  return {
    records,
    logNumber(log) {
      const known = logs.get(log);
      if (known !== undefined) return known;
      logs.set(log, logs.size);
      return logs.size - 1;
    },
    admit(event) {
      const hash = hashOfEvent(event);
      const found = positionIn(find(event, hash));
      const position = advance();
      if (found < 0) {
        remember(position, event, hash);
        return 'accepted';
      }
      return wordAt(found, 5) === event.content0 && wordAt(found, 6) === event.content1 ? 'duplicate' : 'conflict';
    },
    pass: () => void advance(),
    restore: (event) => remember(advance(), event, hashOfEvent(event)),
    retract(back) {
      if (back <= records && isAccepted[positionOf(back)] === 1) remove(positionOf(back));
    },
    reinstate(back, event) {
      if (back <= records) remember(positionOf(back), event, hashOfEvent(event));
    },
  };
}

/** One step of MurmurHash3 (x86, 32 bits) with a final shift, so that the low bits depend on all. */
function mixed(hash: number, word: number): number {
  let scrambled = Math.imul(word, 0xcc9e2d51);
  scrambled = (scrambled << 15) | (scrambled >>> 17);
  const joined = hash ^ Math.imul(scrambled, 0x1b873593);
  const rotated = (joined << 13) | (joined >>> 19);
  const sum = Math.imul(rotated, 5) + 0xe6546b64;
  return sum ^ (sum >>> 16);
}
