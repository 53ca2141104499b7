import type { IngestEffect, IngestInput, IngestState, Writing } from './ingest-state.ts';
import type { InsertableBlock } from './intake.ts';
import { noteStored } from './passed-machine.ts';

type Running<B> = IngestState<B, 'running'>;
type Effects<B> = IngestEffect<B>[];

/**
 * What became of the block: `busy`, an effect is under way; `done`, it is stored; the others end the run.
 * `in_doubt`: only the data can tell whether it is there. `values_not_kept`: it is refused, and has to be read again to find what
 * the bad row will show. `over`: a broken assumption.
 */
export type WriteProgress = 'busy' | 'done' | 'fenced' | 'in_doubt' | 'values_not_kept' | 'over';

/**
 * Begins to write a block, in this order:
 * 1. strays are published under their tenant's key — a crash after it publishes them again: the second copy is a `duplicate`;
 * 2. the block is inserted under the guard — a crash leaves it whole or absent (I4).
 */
export function beginBlock<B extends InsertableBlock<B>>(state: Running<B>, block: B, effects: Effects<B>): void {
  const { strays } = block;
  if (strays.length === 0) return insert(state, block, [block], effects);
  state.writing = { kind: 'publishing', block, strays, failures: 0 };
  effects.push({ kind: 'publishStrays', run: state.run, strays });
}

export function afterPublish<B extends InsertableBlock<B>>(
  state: Running<B>,
  { unpublished }: IngestInput<'straysPublished'>,
  effects: Effects<B>,
): WriteProgress {
  const { writing, run } = state;
  if (writing.kind !== 'publishing') throw new Error(`strays were published while ${writing.kind}`);
  const { block, failures } = writing;
  if (unpublished.length === 0) insert(state, block, [block], effects);
  else {
    state.writing = { kind: 'publish_pause', block, strays: unpublished, failures: failures + 1 };
    effects.push({ kind: 'backOff', run, failures });
  }
  return 'busy';
}

/**
 * A token spares a repeated try a second copy, and is never taken as proof that the first is there: ClickHouse notes the token
 * before it commits the part, and a server killed between the two drops the block at every later try and calls that a success
 * (docs/decisions/0011). So a part is stored when its first try says so, and in every other case the data is asked.
 */
export function afterAnswer<B extends InsertableBlock<B>>(
  state: Running<B>,
  { answer }: IngestInput<'insertAnswered'>,
  effects: Effects<B>,
): WriteProgress {
  const { writing, run } = state;
  if (writing.kind !== 'inserting') throw new Error(`an insert was answered while ${writing.kind}`);
  const { block, failures, token } = writing;
  const [part, ...rest] = writing.parts;
  if (part === undefined) throw new Error('an insert of nothing was answered');
  switch (answer.kind) {
    case 'stored':
      if (failures > 0) return inDoubt(token, effects);
      effects.push({ kind: 'commit', ends: part.ends });
      noteStored(state, part.ends, effects);
      return rest.length > 0 ? goOn(state, block, rest, effects) : finish(state, block);
    case 'unanswered':
      return inDoubt(token, effects);
    case 'fenced':
      return 'fenced';
    case 'refused':
      return narrow(state, writing, answer.message, effects);
    case 'unavailable':
      state.writing = { ...writing, kind: 'insert_pause', failures: failures + 1 };
      effects.push({ kind: 'backOff', run, failures });
      return 'busy';
  }
}

/** The pause after a failure is over: the same again. */
export function afterPause<B extends InsertableBlock<B>>(state: Running<B>, effects: Effects<B>): void {
  const { writing, run, owner } = state;
  if (writing.kind === 'publish_pause') {
    state.writing = { ...writing, kind: 'publishing' };
    effects.push({ kind: 'publishStrays', run, strays: writing.strays });
    return;
  }
  if (writing.kind !== 'insert_pause') throw new Error(`a pause was over while ${writing.kind}`);
  const [block] = writing.parts;
  if (block === undefined) throw new Error('a pause before an insert of nothing');
  state.writing = { ...writing, kind: 'inserting' };
  effects.push({ kind: 'insertBlock', run, owner, token: writing.token, block });
}

function inDoubt<B>(token: string, effects: Effects<B>): WriteProgress {
  effects.push({ kind: 'report', report: { event: 'assignment.in_doubt', token } });
  return 'in_doubt';
}

function finish<B>(state: Running<B>, block: B): WriteProgress {
  state.writing = { kind: 'none' };
  state.intake.release(block);
  return 'done';
}

function goOn<B extends InsertableBlock<B>>(
  state: Running<B>,
  block: B,
  parts: readonly B[],
  effects: Effects<B>,
): WriteProgress {
  insert(state, block, parts, effects);
  return 'busy';
}

/** The next part, under a token of its own: a token must never name two blocks (I2). */
function insert<B extends InsertableBlock<B>>(
  state: Running<B>,
  block: B,
  parts: readonly B[],
  effects: Effects<B>,
): void {
  const [part] = parts;
  if (part === undefined) throw new Error('an insert of nothing');
  const { run, owner } = state;
  state.inserts += 1;
  const token = `${owner}/${state.inserts}`;
  state.writing = { kind: 'inserting', block, parts, token, failures: 0 };
  effects.push({ kind: 'insertBlock', run, owner, token, block: part });
}

/** A refused part is halved, in order, so that what is stored stays a prefix (I4); the last single row becomes quarantined. */
function narrow<B extends InsertableBlock<B>>(
  state: Running<B>,
  { block, parts: [part, ...rest], token }: Extract<Writing<B>, { parts: readonly B[] }>,
  message: string,
  effects: Effects<B>,
): WriteProgress {
  if (part === undefined) throw new Error('nothing was refused');
  if (state.assignment.keepsValues !== true) {
    effects.push({ kind: 'report', report: { event: 'block.refused', token } });
    return 'values_not_kept';
  }
  if (part.size > 1) return goOn(state, block, [...part.halves(), ...rest], effects);
  const quarantined = state.intake.refuse(part, message);
  if (quarantined === null) {
    effects.push({ kind: 'exit', reason: `ClickHouse refuses even a quarantined row: ${message}` });
    return 'over';
  }
  effects.push({ kind: 'report', report: { event: 'row.refused', block: part } });
  return goOn(state, block, [quarantined, ...rest], effects);
}
