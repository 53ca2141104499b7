/**
 * What counts of a receiver's answers, at most the last twenty: a bit for each, the newest lowest, 1 for one that did not take what it was sent, behind a 1 that marks
 * where they begin. A number, because there may be a hundred thousand of them.
 */
export type RecentAnswers = number;

const inARowMax = 5;
const countedMax = 20;
const failedMax = countedMax / 2;

export const noAnswers: RecentAnswers = 1;
/** Of a receiver of which nothing is known but that it fails. */
export const onlyFailures: RecentAnswers = 2 ** (inARowMax + 1) - 1;

/** One more answer. The first that is taken while the breaker is open closes it, and counting begins anew. */
export function withAnswer(recent: RecentAnswers, isTaken: boolean): RecentAnswers {
  if (isTaken && isBreakerOpen(recent)) return noAnswers;
  const next = recent * 2 + (isTaken ? 0 : 1);
  const begin = 2 ** countedMax;
  return next < 2 * begin ? next : begin + (next % begin);
}

/** Five failures in a row, or with the last answer half of twenty. Until a probe, the real oldest batch, is taken, the receiver counts as down. */
export function isBreakerOpen(recent: RecentAnswers): boolean {
  if (recent === noAnswers || recent % 2 === 0) return false;
  const inARow = 2 ** inARowMax;
  if (recent >= inARow && recent % inARow === inARow - 1) return true;
  return recent >= 2 ** countedMax && failuresOf(recent) >= failedMax;
}

function failuresOf(recent: RecentAnswers): number {
  let failures = 0;
  for (let left = recent; left > 1; left = Math.floor(left / 2)) failures += left % 2;
  return failures;
}
