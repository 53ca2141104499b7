import type { Commit } from './topic-offsets.ts';

/**
 * Offsets that somebody has read and that held no data, only aborted records and markers: `from` up to, not including, `to`. A fact
 * about one topic, of which neither restarts nor zombies, an older note or another owner change anything. It says nothing of what is
 * stored: below `from`, only ClickHouse does.
 */
export interface PassedRange {
  readonly topicId: string;
  readonly from: number;
  readonly to: number;
}

const form = /^docket\.1 generation=(\d{1,5}) topic=([0-9a-f]{32}) empty-from=(\d{1,16})$/;

/** What an ingestor commits with a position that it has reached over offsets without data. */
export function passedNoteOf(generation: number, { topicId, from }: Omit<PassedRange, 'to'>): string {
  return `docket.1 generation=${generation} topic=${topicId} empty-from=${from}`;
}

/** What the note of a commit says; undefined for a commit without one, of another generation, or of somebody else. */
export function passedRangeOf(commit: Commit | undefined, generation: number): PassedRange | undefined {
  const [, ofGeneration, topicId, from] = form.exec(commit?.note ?? '') ?? [];
  if (commit === undefined || topicId === undefined || Number(ofGeneration) !== generation) return undefined;
  return { topicId, from: Number(from), to: commit.offset };
}
