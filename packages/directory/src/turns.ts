import { createBudget, createFairQueue, DocketError } from '@docket/runtime';

export interface Turns {
  /**
   * Runs work one at a time, in the order of each owner's and in turn of all owners (I7), and settles as the work does, or within `answerMsMax`. Rejects
   * with rate_limited when too many of the owner's wait, overloaded when too many of all do, and kafka_unavailable when the time is up: work whose turn
   * has not come is then never run, work that has begun goes on, and the next one waits for it. It can ask whether it is too late, before it does what
   * cannot be undone.
   */
  take<Result>(owner: string, work: (isLate: () => boolean) => Promise<Result>, answerMsMax: number): Promise<Result>;
  /** I8: how many wait for their answer. */
  waiting(): number;
}

type Turn = () => Promise<void>;

/**
 * I8: a line of work with a limit on its length and on the time that one waits for an answer. I7: one owner gets at most half of the places that the others
 * leave, so that of several who take all they get some are left; and whoever has one change to make waits behind one change of each other owner, not behind
 * all of theirs.
 */
export function createTurns({ waitingMax }: { readonly waitingMax: number }): Turns {
  const queue = createFairQueue<Turn>();
  const places = createBudget(waitingMax, 1);
  let isBusy = false;

  const runNext = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    for (let turn = queue.take(); turn !== undefined; turn = queue.take()) await turn();
    // In the same turn of the loop as the last look: whatever comes later begins anew.
    isBusy = false;
  };

  const inTurn = <Result>(
    owner: string,
    work: (isLate: () => boolean) => Promise<Result>,
    answerMsMax: number,
  ): Promise<Result> =>
    new Promise((resolve, reject) => {
      let hasBegun = false;
      let isLate = false;
      const turn = async (): Promise<void> => {
        hasBegun = true;
        const result = Promise.resolve().then(() => work(() => isLate));
        result.finally(() => clearTimeout(timer)).then(resolve, reject);
        await result.catch(() => undefined);
      };
      const timer = setTimeout(() => {
        isLate = true;
        queue.withdraw(owner, turn);
        const message = hasBegun
          ? 'The change has not ended in time: look before repeating it.'
          : 'The changes before this one have not ended in time; nothing was written.';
        reject(new DocketError('kafka_unavailable', message));
      }, answerMsMax);
      queue.push(owner, turn);
      void runNext();
    });

  return {
    take: async (owner, work, answerMsMax) => {
      const place = places.take([owner], 1);
      if (!place.ok) {
        if (place.reason === 'all_taken')
          throw new DocketError('overloaded', `${places.used()} changes of the directory are waiting.`);
        const message = `${places.used(owner)} changes of this caller are waiting; nothing was written.`;
        throw new DocketError('rate_limited', message, { retryAfterSeconds: 1 });
      }
      try {
        return await inTurn(owner, work, answerMsMax);
      } finally {
        place.lease.release();
      }
    },
    waiting: () => places.used(),
  };
}
