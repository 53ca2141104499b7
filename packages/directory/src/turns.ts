import { DocketError } from '@docket/runtime';

export interface Turns {
  /**
   * Runs work after all that was given before it, one at a time, and settles as the work does. Rejects with overloaded when too many wait, and with
   * kafka_unavailable when the turn has not come in time: the work is then never run.
   */
  take<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** I8: a line of work with a limit on its length and on the time that one waits in it. */
export function createTurns(limits: { readonly waitingMax: number; readonly waitMsMax: number }): Turns {
  let waiting = 0;
  let tail: Promise<void> = Promise.resolve();

  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> =>
    new Promise((resolve, reject) => {
      let isOver = false;
      const giveUp = (): void => {
        isOver = true;
        const message = `The changes before this one have not ended within ${limits.waitMsMax} ms; nothing was written.`;
        reject(new DocketError('kafka_unavailable', message));
      };
      const timer = setTimeout(giveUp, limits.waitMsMax);
      const run = async (before: Promise<void>): Promise<void> => {
        await before;
        if (isOver) return;
        clearTimeout(timer);
        const result = Promise.resolve().then(work);
        resolve(result);
        await result.catch(() => undefined);
      };
      tail = run(tail);
    });

  return {
    take: async (work) => {
      if (waiting >= limits.waitingMax) {
        throw new DocketError('overloaded', `${waiting} changes of the directory are waiting.`);
      }
      waiting += 1;
      try {
        return await inTurn(work);
      } finally {
        waiting -= 1;
      }
    },
  };
}
