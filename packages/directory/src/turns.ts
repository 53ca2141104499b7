import { DocketError } from '@docket/runtime';

export interface Turns {
  /**
   * Runs work after all that was given before it, one at a time, and settles as the work does, or within `answerMsMax`. Rejects with overloaded when too
   * many wait, and with kafka_unavailable when the time is up: work whose turn has not come is then never run, work that has begun goes on, and the next
   * one waits for it. It can ask whether it is too late, before it does what cannot be undone.
   */
  take<Result>(work: (isLate: () => boolean) => Promise<Result>, answerMsMax: number): Promise<Result>;
}

/** I8: a line of work with a limit on its length and on the time that one waits for an answer. */
export function createTurns(limits: { readonly waitingMax: number }): Turns {
  let waiting = 0;
  let tail: Promise<void> = Promise.resolve();

  const inTurn = <Result>(work: (isLate: () => boolean) => Promise<Result>, answerMsMax: number): Promise<Result> =>
    new Promise((resolve, reject) => {
      let hasBegun = false;
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        const message = hasBegun
          ? 'The change has not ended in time: look before repeating it.'
          : 'The changes before this one have not ended in time; nothing was written.';
        reject(new DocketError('kafka_unavailable', message));
      }, answerMsMax);
      const run = async (before: Promise<void>): Promise<void> => {
        await before;
        if (isLate) return;
        hasBegun = true;
        const result = Promise.resolve().then(() => work(() => isLate));
        result.finally(() => clearTimeout(timer)).then(resolve, reject);
        await result.catch(() => undefined);
      };
      tail = run(tail);
    });

  return {
    take: async (work, answerMsMax) => {
      if (waiting >= limits.waitingMax) {
        throw new DocketError('overloaded', `${waiting} changes of the directory are waiting.`);
      }
      waiting += 1;
      try {
        return await inTurn(work, answerMsMax);
      } finally {
        waiting -= 1;
      }
    },
  };
}
