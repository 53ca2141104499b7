import { DocketError } from '@docket/runtime';

/** I8: questions that read or send something, under way in this process. */
const underWayMax = 8;
const retryAfterSeconds = 1;

/** Runs one question of a subscription at a time, and few in all: they must not be felt by deliveries (I7). Throws rate_limited, overloaded. */
export function createAskingLimit(): <Answer>(subscriptionId: string, run: () => Promise<Answer>) => Promise<Answer> {
  const underWay = new Set<string>();
  return async (subscriptionId, run) => {
    if (underWay.has(subscriptionId)) {
      throw new DocketError('rate_limited', 'One of these is under way for this subscription.', { retryAfterSeconds });
    }
    if (underWay.size >= underWayMax) {
      throw new DocketError('overloaded', `${underWay.size} of these are under way.`, { retryAfterSeconds });
    }
    underWay.add(subscriptionId);
    try {
      return await run();
    } finally {
      underWay.delete(subscriptionId);
    }
  };
}
