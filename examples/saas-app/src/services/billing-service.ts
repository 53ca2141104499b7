import type { AuditTrail } from '../audit-trail.ts';
import { isAllowed } from '../permission-policy.ts';
import { Problem } from '../problem.ts';
import type { Organisation, Plan, Store } from '../store.ts';
import type { Caller } from './session-service.ts';

export interface BillingService {
  changePlan(caller: Caller, wanted: { plan: Plan; seats: number }): Promise<Organisation>;
}

export function createBillingService(store: Store, audit: AuditTrail): BillingService {
  return {
    async changePlan(caller, { plan, seats }) {
      const organisation = store.organisations.get(caller.session.organisationId);
      if (organisation === undefined) throw new Problem(404, 'no such organisation');
      const resources = [{ type: 'organisation', id: organisation.id, name: organisation.name }];
      if (!isAllowed(caller.user.role, 'billing.manage')) {
        await audit('billing.plan.updated', { outcome: 'denied', severity: 'medium', resources });
        throw new Problem(403, 'only an admin may change the plan');
      }
      const changed = { ...organisation, plan, seats };
      store.organisations.set(organisation.id, changed);
      await audit('billing.plan.updated', {
        resources,
        changes: [
          { path: 'plan', old: organisation.plan, new: plan },
          { path: 'seats', old: organisation.seats, new: seats },
        ],
        metadata: { plan, seats },
      });
      return changed;
    },
  };
}
