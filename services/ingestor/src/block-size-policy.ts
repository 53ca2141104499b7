import type { BlockLimits } from './block-queue.ts';

/** How one insert ended, as far as the size of blocks is concerned. */
export interface InsertDuration {
  readonly isStored: boolean;
  readonly ms: number;
  /** After which the ingestor waits no longer. */
  readonly deadlineMs: number;
  /** The server has said, try after try, that it has not the memory for this block. */
  readonly isTooLarge?: boolean;
}

/** A block is never cut below this share of its limits: smaller ones cost a slow server more than they spare it. */
const shareMin = 1 / 64;
/** So many blocks are stored one after another before twice as much as was too large is tried. */
const storedBeforeDouble = 100;
/** The first block is small, so that the server has something to do while the next one fills; the fourth may be whole. */
const shareFirst = 1 / 8;

/**
 * The share of the configured limits that the next blocks may have. A server that does not take a block in time may never take it, and
 * nothing would ever be stored again; it may take half of it. Doubled again when the double would still be done in half of the time.
 */
export function nextShare(share: number, { isStored, ms, deadlineMs, isTooLarge }: InsertDuration): number {
  if (!isStored) return isTooLarge === true || ms >= deadlineMs ? Math.max(shareMin, share / 2) : share;
  return ms <= deadlineMs / 4 ? Math.min(1, share * 2) : share;
}

/** The limits of blocks, as the server takes them. */
export interface BlockSize {
  /** Changed in place: they hold for the block that is being filled. At least one row and one byte. */
  readonly limits: BlockLimits;
  readonly note: (duration: InsertDuration) => void;
}

export function createBlockSize(configured: BlockLimits): BlockSize {
  const { rowsMax, bytesMax } = configured;
  let share = shareFirst;
  /** What was too large is not tried again soon: memory does not come back as speed does. But others may have taken it. */
  let shareMax = 1;
  let storedInRow = 0;
  const limits = { ...configured, ...limitsAt(share) };

  function limitsAt(part: number): Pick<BlockLimits, 'rowsMax' | 'bytesMax'> {
    return { rowsMax: Math.ceil(rowsMax * part), bytesMax: Math.ceil(bytesMax * part) };
  }

  return {
    limits,
    note(duration) {
      storedInRow = duration.isStored ? storedInRow + 1 : 0;
      if (storedInRow % storedBeforeDouble === 0) shareMax = Math.min(1, shareMax * 2);
      share = Math.min(shareMax, nextShare(share, duration));
      if (duration.isTooLarge === true) shareMax = share;
      Object.assign(limits, limitsAt(share));
    },
  };
}
