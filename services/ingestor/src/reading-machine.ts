import type {
  IngestEffect,
  IngestInput,
  IngestState,
  MachineParts,
  PartitionPlace,
  Step,
  StoredPast,
} from './ingest-state.ts';
import { afterFailure, isOwned, yieldToAnother } from './ownership-machine.ts';
import { openAt } from './passed-machine.ts';
import { startRunning } from './running-machine.ts';
import { startAt } from './position-policy.ts';
import { stopPartition } from './stopped-machine.ts';

type Waits = Pick<MachineParts<never>, 'fencedPauseMs' | 'lookAgainMs'>;

/** Decides for each partition where it begins; those that hold rows have their past read first, one after the other, because a window of it is large. */
export function placesRead<B>(
  state: IngestState<B, 'reading'>,
  { places, owned }: IngestInput<'placesRead'>,
  parts: Waits,
): Step<B> {
  if (state.unread !== null) throw new Error('the places of a run are read once');
  // Another owner may have written between the reading of the one store and of the other: together they would say what is not true.
  if (!isOwned(state.assignment.partitions, owned)) return yieldToAnother(state, owned, parts.fencedPauseMs);
  const missing = state.assignment.partitions.filter((asked) => !places.some(({ partition }) => partition === asked));
  if (missing.length > 0) throw new Error(`no places of the partitions ${missing.join(', ')}`);
  const unread: StoredPast[] = [];
  const effects: IngestEffect<B>[] = [];
  for (const place of places) {
    effects.push(...deficits<B>(place));
    const { partition, stored } = place;
    const { last, heads } = stored;
    const start = startAt(place);
    if (start.kind === 'stop') stopPartition(state.stopped, partition, start, effects);
    else if (last !== null) unread.push({ partition, from: start.from, last, expectStored: start.expectStored, place });
    else {
      state.intake.open({ partition, heads, window: [] });
      state.open.set(partition, openAt(place, start.from));
    }
  }
  return readNext(state, unread, effects, parts);
}

export function pastRead<B>(
  state: IngestState<B, 'reading'>,
  { window, stored }: IngestInput<'pastRead'>,
  parts: Waits,
): Step<B> {
  const [past, ...unread] = state.unread ?? [];
  if (past === undefined) throw new Error('a past that was not asked for');
  const { partition, from, place, expectStored } = past;
  // The last row is gone since its place was read: somebody took the partition and removed rows. Without the row, the record at
  // its offset would be taken for a new one (I2).
  if (expectStored && stored === null) return afterFailure(state);
  state.intake.open({ partition, heads: place.stored.heads, window });
  state.open.set(partition, { ...openAt(place, from), expected: stored });
  return readNext(state, unread, [], parts);
}

/** I3: seq is dense, so as many rows as seqs; a deficit is for an operator to repair, and does not grow by going on. */
function deficits<B>({ partition, stored }: PartitionPlace): IngestEffect<B>[] {
  const effects: IngestEffect<B>[] = [];
  for (const { log, headSeq, firstSeq, rows } of stored.heads.values()) {
    const missing = headSeq - firstSeq + 1 - rows;
    if (missing !== 0)
      effects.push({ kind: 'report', report: { event: 'log.not_dense', partition, log, headSeq, rows, missing } });
  }
  return effects;
}

function readNext<B>(
  state: IngestState<B, 'reading'>,
  unread: readonly StoredPast[],
  effects: readonly IngestEffect<B>[],
  { lookAgainMs }: Waits,
): Step<B> {
  const [past] = unread;
  const { run } = state;
  if (past !== undefined)
    return { state: { ...state, unread }, effects: [...effects, { kind: 'readPast', run, past }] };
  const started = startRunning(state, lookAgainMs);
  return { state: started.state, effects: [...effects, ...started.effects] };
}
