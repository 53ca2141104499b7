import type { Sent } from '../receivers/send-batch.ts';

/** What a window of batches came to. */
export interface WindowAnswer {
  /** So many in front of the one that `sent` is about were taken. */
  readonly acknowledged: number;
  readonly sent: Sent;
}

/** The first batch that was not taken decides, whatever became of those behind it; when all were, the last. Throws without batches. */
export function windowAnswer(answers: readonly Sent[]): WindowAnswer {
  const first = answers.findIndex(({ outcome }) => outcome.kind !== 'delivered');
  const acknowledged = first < 0 ? answers.length - 1 : first;
  const sent = answers[acknowledged];
  if (sent === undefined) throw new Error('a window has no batches');
  return { acknowledged, sent };
}
