import { sampleEntries } from '../sinks/sample-batches.ts';
import type { SentEvent } from '../../src/batches/batch-encoding.ts';

const [full, , minimal] = sampleEntries.map((entry, index) =>
  entry.kind === 'event' ? { ...entry.event, prev_seq: index + 5 } : undefined,
);
if (full === undefined || minimal === undefined) throw new Error('the golden events are missing');

/** `full` has every field there is, so that each class has to find a place for each. */
export const ocsfEvents: Readonly<Record<string, SentEvent>> = {
  'a role was changed': full,
  'next to nothing': minimal,
  'a failed login': {
    ...minimal,
    category: 'authentication',
    action: 'user.login.failed',
    outcome: 'failure',
    outcome_reason: 'wrong password',
    severity: 'low',
    context: { ip: '2001:db8::1', session_id: 's_2', country: 'FR' },
    source: { service: 'login', version: '2.0.0' },
  },
  'an authentication with everything': { ...full, category: 'authentication', action: 'user.logout' },
  'an account with everything': { ...full, category: 'account', action: 'user.password.reset' },
  'an account without a resource': { ...minimal, category: 'account', action: 'account.created', operation: 'create' },
  'an entity with everything, deleted': { ...full, category: 'entity', operation: 'delete', severity: 'critical' },
  'an access without a resource': { ...minimal, category: 'access', outcome: 'denied', severity: 'high' },
  'a configuration': { ...full, category: 'configuration', outcome: 'unknown', operation: 'create' },
  'data with everything': { ...full, category: 'data', operation: 'read' },
  'a path that changed twice': {
    ...full,
    changes: [
      { path: 'a', old: 1, new: 2 },
      { path: 'a', old: 2, new: 3 },
    ],
  },
  'an address that is none': { ...minimal, context: { ip: 'masked:1f3a', user_agent: 'curl' }, status: 'conflict' },
};
