import type { Change, Docket, EventInput, Resource } from '@docket/sdk';

/** Every action this application records, with its class and its kind: one place to read, and to keep stable. */
const actions = {
  'user.signed_in': { category: 'authentication', operation: 'other' },
  'user.signed_out': { category: 'authentication', operation: 'other' },
  'user.invited': { category: 'account', operation: 'create' },
  'user.role.updated': { category: 'access', operation: 'update' },
  'document.created': { category: 'data', operation: 'create' },
  'document.read': { category: 'data', operation: 'read' },
  'document.updated': { category: 'data', operation: 'update' },
  'document.deleted': { category: 'data', operation: 'delete' },
  'billing.plan.updated': { category: 'configuration', operation: 'update' },
  'support.session.started': { category: 'access', operation: 'create' },
} as const satisfies Record<string, Pick<EventInput, 'category' | 'operation'>>;

export type Action = keyof typeof actions;

export type ActionDetail = Omit<EventInput, 'action' | 'category' | 'operation' | 'resources' | 'changes'> & {
  resources: Resource[];
  changes?: Change[];
};

/** Records an action of the current request. Tenant, actor and context come from the audit context. */
export type AuditTrail = (action: Action, detail: ActionDetail) => Promise<void>;

export function createAuditTrail(docket: Docket): AuditTrail {
  return async (action, detail) => {
    // The outcome is for the recorder's onFailure hook: an audit log that is away must not fail the user's request.
    await docket.record({ action, ...actions[action], ...detail });
  };
}
