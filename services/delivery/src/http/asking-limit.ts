import type { Subscription } from '@docket/directory';
import { DocketError } from '@docket/runtime';

/** I8: questions that read or send something, under way in this process; of one tenant half of them (I7). */
const underWayMax = 8;
const ofTenantMax = underWayMax / 2;
const retryAfterSeconds = 1;

export type AskingLimit = <Answer>(
  subscription: Pick<Subscription, 'id' | 'tenant_id'>,
  run: () => Promise<Answer>,
) => Promise<Answer>;

/** Runs one question of a subscription at a time, and few in all: they must not be felt by deliveries (I7). Throws rate_limited, overloaded. */
export function createAskingLimit(): AskingLimit {
  /** Their tenants. */
  const underWay = new Map<string, string>();
  return async ({ id, tenant_id: tenantId }, run) => {
    if (underWay.has(id)) {
      throw new DocketError('rate_limited', 'One of these is under way for this subscription.', { retryAfterSeconds });
    }
    const ofTenant = [...underWay.values()].filter((other) => other === tenantId).length;
    if (ofTenant >= ofTenantMax) {
      throw new DocketError('rate_limited', `${ofTenant} of these are under way for this tenant.`, {
        retryAfterSeconds,
      });
    }
    if (underWay.size >= underWayMax) {
      throw new DocketError('overloaded', `${underWay.size} of these are under way.`, { retryAfterSeconds });
    }
    underWay.set(id, tenantId);
    try {
      return await run();
    } finally {
      underWay.delete(id);
    }
  };
}
