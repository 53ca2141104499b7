import type { Intake, IntakeOptions } from './intake.ts';
import type { AssignedPartitions, IngestEffect, IngestInput, IngestState, Step } from './ingest-state.ts';

const noEffects: readonly never[] = [];

export function unchanged<B>(state: IngestState<B>): Step<B> {
  return { state, effects: noEffects };
}

export function abandon<B>(state: IngestState<B>): IngestEffect<B> {
  return { kind: 'abandon', run: state.run };
}

/** Begins a run: fence. */
export function claim<B>(run: number, assignment: AssignedPartitions, failures: number): Step<B> {
  return {
    state: { phase: 'claiming', run, assignment, failures },
    effects: [{ kind: 'claim', run, partitions: assignment.partitions }],
  };
}

interface Failed {
  readonly run: number;
  readonly assignment: AssignedPartitions;
  readonly failures: number;
}

/** Whatever was done of the run is worthless, a lost answer included: the next try claims for another owner. */
export function afterFailure<B>(state: Failed): Step<B> {
  const { run, assignment, failures } = state;
  return {
    state: { phase: 'waiting', run, assignment, failures: failures + 1 },
    effects: [{ kind: 'backOff', run, failures }],
  };
}

/** Claims again, if still a member then. */
export function waitAndClaim<B>(run: number, assignment: AssignedPartitions, ms: number): Step<B> {
  return {
    state: { phase: 'waiting', run, assignment, failures: 0 },
    effects: [{ kind: 'wait', run, ms }],
  };
}

/** What is queued was read under an ownership that has ended: whoever owns the partitions reads it again. */
export function giveUp<B>(
  state: IngestState<B, 'running'>,
  next: Step<B>,
  effects: readonly IngestEffect<B>[],
): Step<B> {
  const partitions = [...state.open.keys()];
  return { state: next.state, effects: [abandon(state), { kind: 'pause', partitions }, ...effects, ...next.effects] };
}

/**
 * Some partitions have another owner, whose claim came later. A living one has them by right, and this instance will hear of its
 * expulsion; a dead one's claim has landed late, and then nobody has them. So the claim is repeated, and for all of them.
 */
export function yieldToAnother<B>(
  { run, assignment }: { readonly run: number; readonly assignment: AssignedPartitions },
  owned: readonly number[],
  fencedPauseMs: number,
): Step<B> {
  const waiting = waitAndClaim<B>(run, assignment, fencedPauseMs);
  const report: IngestEffect<B> = { kind: 'report', report: { event: 'assignment.claimed_by_another', owned } };
  return { state: waiting.state, effects: [report, ...waiting.effects] };
}

export function isOwned(partitions: readonly number[], owned: readonly number[]): boolean {
  return partitions.every((partition) => owned.includes(partition));
}

export function claimed<B>(
  state: IngestState<B, 'claiming'>,
  { owner, owned }: IngestInput<'claimed'>,
  fencedPauseMs: number,
): Step<B> {
  const { run, assignment, failures } = state;
  if (!isOwned(assignment.partitions, owned)) return yieldToAnother(state, owned, fencedPauseMs);
  return {
    state: { phase: 'clearing', run, assignment, failures, owner },
    effects: [{ kind: 'kill', run, owner, partitions: assignment.partitions }],
  };
}

/** No insert of another owner can commit any more: what is read now is still. */
export function cleared<B>(
  state: IngestState<B, 'clearing'>,
  createIntake: (options: IntakeOptions) => Intake<B>,
): Step<B> {
  const { run, assignment, failures, owner } = state;
  const intake = createIntake({ keepsValues: assignment.keepsValues === true });
  return {
    state: {
      phase: 'reading',
      run,
      assignment,
      failures,
      owner,
      intake,
      open: new Map(),
      stopped: new Map(),
      unread: null,
    },
    effects: [{ kind: 'readPlaces', run, owner, partitions: assignment.partitions }],
  };
}
