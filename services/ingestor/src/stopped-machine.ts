import type {
  IngestEffect,
  IngestInput,
  IngestState,
  MachineParts,
  PartitionPlace,
  Step,
  StoppedPartition,
} from './ingest-state.ts';
import type { InsertableBlock } from './intake.ts';
import { giveUp, isOwned, unchanged, waitAndClaim } from './ownership-machine.ts';
import { remedyOf, startAt } from './position-policy.ts';

type Running<B> = IngestState<B, 'running'>;

/** Nothing of the partition is read or written any more; the others go on. */
export function stopPartition<B>(
  stopped: Map<number, StoppedPartition>,
  partition: number,
  { reason, detail }: StoppedPartition,
  effects: IngestEffect<B>[],
): void {
  const told = `${detail}. ${remedyOf(partition)}`;
  stopped.set(partition, { reason, detail: told });
  effects.push({ kind: 'stopPartition', partition, reason, detail: told });
}

/**
 * Stopped partitions are looked at again now and then, for as long as there are any: whoever mends one claims it first, so
 * another owner means that there is something new to read. Nothing else is disturbed by the look.
 */
export function createStopped<B extends InsertableBlock<B>>({ lookAgainMs, fencedPauseMs }: MachineParts<B>) {
  const later = (run: number): IngestEffect<B> => ({ kind: 'lookAgainLater', run, inMs: lookAgainMs });

  return {
    later,

    lookAgain(state: Running<B>): Step<B> {
      const { run, owner, stopped } = state;
      return { state, effects: [{ kind: 'readPlaces', run, owner, partitions: [...stopped.keys()] }] };
    },

    failed(state: Running<B>): Step<B> {
      return { state, effects: [later(state.run)] };
    },

    placesRead(state: Running<B>, { places, owned }: IngestInput<'placesRead'>): Step<B> {
      const partitions = [...state.stopped.keys()];
      if (partitions.length === 0) return unchanged(state);
      const isMended = places.some((place) => meetsAgain(state.stopped.get(place.partition), place));
      if (!isMended && isOwned(partitions, owned)) return { state, effects: [later(state.run)] };
      return giveUp(state, waitAndClaim<B>(state.run + 1, state.assignment, fencedPauseMs), [
        { kind: 'report', report: { event: 'partitions.looked_at_again', partitions } },
      ]);
    },
  };
}

/** Whether Kafka holds again what it lacked. That a record is another one is seen only when it is fetched. */
function meetsAgain(stopped: StoppedPartition | undefined, place: PartitionPlace): boolean {
  return stopped !== undefined && stopped.reason !== 'another_record' && startAt(place).kind === 'fetch';
}
