import type { InsertableBlock } from './intake.ts';
import type { IngestInput, IngestState, InputKind, MachineParts, Phase, Step } from './ingest-state.ts';
import { abandon, afterFailure, claim, claimed, cleared, unchanged } from './ownership-machine.ts';
import { pastRead, placesRead } from './reading-machine.ts';
import { createRunning, startRunning } from './running-machine.ts';

type Handler<B, P extends Phase, K extends InputKind> = (
  state: IngestState<B, P>,
  input: IngestInput<K>,
  nowMs: number,
) => Step<B>;

/** What every phase does with every input. */
type Transitions<B> = { readonly [P in Phase]: { readonly [K in InputKind]: Handler<B, P, K> } };

export interface IngestMachine<B> {
  readonly initial: IngestState<B>;
  /**
   * Deterministic: no I/O, no clock, no randomness. `nowMs` never goes back. The state that was passed in is used up. Throws on an
   * input that cannot happen: a broken assumption, after which the process must end.
   */
  step(state: IngestState<B>, input: IngestInput, nowMs: number): Step<B>;
}

/**
 * The ingestor's decisions. A run owns the assigned partitions, or tries to, and each of its phases rests on the one before:
 *
 *   idle → claiming → clearing → reading → running         assigned
 *   claiming | clearing | reading → waiting → claiming      failed: again, with a new owner
 *   claiming | reading | running → waiting → claiming       another owner was found
 *   running → waiting → claiming                            in doubt whether a block is stored: the data is asked;
 *                                                           or a block is refused whose values were not kept;
 *                                                           or a stopped partition may have been mended
 *   any → idle: lost                                        any → ended: stop, or a broken assumption
 *
 * Every claim is made for an owner of its own. So a claim that lands late, after its answer was given up, can take partitions
 * away, but nobody writes under it: inserts of an owner whose claim was not answered do not exist (I2).
 */
export function createIngestMachine<B extends InsertableBlock<B>>(parts: MachineParts<B>): IngestMachine<B> {
  const transitions = createTransitions(parts);

  function dispatch<P extends Phase, K extends InputKind>(
    state: IngestState<B, P>,
    input: IngestInput<K>,
    nowMs: number,
  ): Step<B> {
    const ofPhase: { readonly [L in InputKind]: Handler<B, P, L> } = transitions[state.phase];
    const handler: Handler<B, P, K> = ofPhase[input.kind];
    return handler(state, input, nowMs);
  }

  return {
    initial: { phase: 'idle', run: 0 },
    step: (state, input, nowMs) =>
      // An answer to an earlier run: its owner writes nothing any more, and nobody waits for it.
      'run' in input && input.run !== state.run ? unchanged(state) : dispatch(state, input, nowMs),
  };
}

function createTransitions<B extends InsertableBlock<B>>(parts: MachineParts<B>): Transitions<B> {
  const unlessAnswered = {
    claimed: impossible,
    cleared: impossible,
    placesRead: impossible,
    pastRead: impossible,
    failed: impossible,
    records: impossible,
    passed: impossible,
    positionJumped: impossible,
    straysPublished: impossible,
    insertAnswered: impossible,
    waited: impossible,
    due: impossible,
    lookAgain: impossible,
  };
  const always = {
    assigned: (state: IngestState<B>, input: IngestInput<'assigned'>) => assigned(parts, state, input),
    stop,
  };
  const owning = { ...unlessAnswered, ...always, lost };
  const { createIntake, fencedPauseMs } = parts;

  return {
    idle: { ...unlessAnswered, ...always, lost: unchanged },
    claiming: {
      ...owning,
      failed: afterFailure,
      claimed: (state, input) => claimed(state, input, fencedPauseMs),
    },
    clearing: { ...owning, failed: afterFailure, cleared: (state) => cleared(state, createIntake) },
    reading: {
      ...owning,
      failed: afterFailure,
      placesRead: (state, input) => placesRead(state, input, parts),
      pastRead: (state, input) => pastRead(state, input, parts),
    },
    running: { ...owning, ...createRunning(parts) },
    waiting: { ...owning, waited: ({ run, assignment, failures }) => claim(run + 1, assignment, failures) },
    ended: { ...unlessAnswered, assigned: unchanged, lost: unchanged, stop: unchanged },
  };
}

function impossible<B>(state: IngestState<B>, input: IngestInput): never {
  throw new Error(`an ingestor that is ${state.phase} cannot be told "${input.kind}"`);
}

function assigned<B extends InsertableBlock<B>>(
  parts: MachineParts<B>,
  state: IngestState<B>,
  { assignment }: IngestInput<'assigned'>,
): Step<B> {
  const run = state.run + 1;
  // A member without work is prepared at once.
  const begun =
    assignment.partitions.length === 0
      ? startRunning(
          {
            run,
            assignment,
            owner: '',
            intake: parts.createIntake({ keepsValues: false }),
            open: new Map(),
            stopped: new Map(),
          },
          parts.lookAgainMs,
        )
      : claim<B>(run, assignment, 0);
  return { state: begun.state, effects: [abandon(state), ...begun.effects] };
}

function lost<B>(
  state: IngestState<B, Exclude<Phase, 'idle' | 'ended'>>,
  { assignmentId }: IngestInput<'lost'>,
): Step<B> {
  if (state.assignment.id !== assignmentId) return unchanged(state);
  return { state: { phase: 'idle', run: state.run + 1 }, effects: [abandon(state)] };
}

function stop<B>(state: IngestState<B>): Step<B> {
  return { state: { phase: 'ended', run: state.run + 1 }, effects: [abandon(state)] };
}
