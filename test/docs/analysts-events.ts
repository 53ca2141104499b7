import type { EventRow } from '@docket/event';

type Given = Partial<EventRow> & { readonly action: string; readonly at: number };

const march = (day: number, time: string): number => Date.parse(`2026-03-${String(day).padStart(2, '0')}T${time}Z`);
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** What is acted upon, as `type:id`. */
function resources(...names: readonly string[]): Partial<EventRow> {
  const pairs = names.map((name) => name.split(':'));
  return {
    'resources.type': pairs.map(([type = '']) => type),
    'resources.id': pairs.map(([, id = '']) => id),
    'resources.name': pairs.map(() => ''),
    'resources.metadata': pairs.map(() => ({})),
  };
}

function change(path: string, before: string, after: string): Partial<EventRow> {
  return { 'changes.path': [path], 'changes.old': [before], 'changes.new': [after] };
}

/**
 * The events on which the answers to docs/analysts.md are known: those of March are where fixed times are asked about, the
 * others count back from `nowMs`.
 */
export function analystsEvents(nowMs: number): readonly Given[] {
  const login = { action: 'user.login', outcome: 'failure' };
  const tenMinutes = Math.floor((nowMs - 3 * hourMs) / (10 * minuteMs)) * 10 * minuteMs;
  return [
    {
      at: march(2, '10:00:00'),
      action: 'document.updated',
      actor_id: 'u_ann',
      ip: '10.0.0.1',
      ...resources('document:d7'),
      ...change('permissions', '["read"]', '["write"]'),
    },
    {
      at: march(3, '10:00:00'),
      action: 'document.read',
      actor_id: 'u_bob',
      operation: 'read',
      ip: '10.0.0.2',
      ...resources('folder:f1', 'document:d7'),
    },
    {
      at: march(3, '10:01:00'),
      action: 'document.read',
      actor_id: 'u_bob',
      operation: 'read',
      ip: '10.0.0.2',
      ...resources('document:d8'),
    },
    {
      at: march(4, '10:00:00'),
      action: 'user.role.updated',
      actor_id: 'u_ann',
      ...resources('user:u_bob'),
      ...change('role', '"member"', '"admin"'),
    },
    { at: march(5, '10:00:00'), action: 'api_key.created', actor_id: 'u_ann', ...resources('api_key:k_1') },
    { at: march(5, '10:01:00'), action: 'api_key.created', actor_id: 'u_ann', ...resources('api_key:k_2') },
    { at: march(5, '10:02:00'), action: 'api_key.revoked', actor_id: 'u_ann', ...resources('api_key:k_2') },
    {
      at: march(6, '10:00:00'),
      action: 'ticket.opened',
      actor_id: 'u_sup',
      on_behalf_of_type: 'user',
      on_behalf_of_id: 'u_ann',
    },
    {
      at: march(6, '10:01:00'),
      action: 'ticket.opened',
      actor_id: 'u_sup',
      on_behalf_of_type: 'user',
      on_behalf_of_id: 'u_bob',
    },
    { at: march(9, '10:00:00'), action: 'report.exported', actor_id: 'u_bob', outcome: 'denied' },
    { at: march(9, '10:05:00'), action: 'report.exported', actor_id: 'u_bob' },
    { at: march(9, '12:00:00'), action: 'invoice.paid', actor_id: 'u_bob', outcome: 'denied' },
    { at: march(9, '12:30:00'), action: 'invoice.paid', actor_id: 'u_bob' },
    // Half past eleven in the evening there; nine in the morning; a Saturday; a system.
    { at: march(17, '22:30:00'), action: 'document.read', actor_id: 'u_ann', actor_name: 'Ann' },
    { at: march(18, '08:00:00'), action: 'document.read', actor_id: 'u_ann', actor_name: 'Ann' },
    { at: march(21, '12:00:00'), action: 'document.read', actor_id: 'u_bob', actor_name: 'Bob' },
    { at: march(18, '02:00:00'), action: 'backup.made', actor_id: 'backup', actor_type: 'system' },
    {
      at: march(19, '10:00:00'),
      action: 'document.read',
      actor_id: 'u_jane',
      ip: '10.0.0.3',
      ...resources('document:d9'),
    },
    { at: march(20, '16:00:00'), action: 'user.logout', actor_id: 'u_jane', ip: '10.0.0.3' },
    {
      at: march(22, '12:00:00'),
      action: 'document.read',
      actor_id: 'k_1',
      actor_type: 'api_key',
      on_behalf_of_type: 'user',
      on_behalf_of_id: 'u_jane',
      source_service: 'sync',
    },
    ...[30, 29, 28].map((minutes) => ({
      at: nowMs - minutes * minuteMs,
      ...login,
      actor_id: 'u_eve',
      ip: '203.0.113.9',
    })),
    { at: nowMs - 20 * minuteMs, action: 'user.login', actor_id: 'u_eve', ip: '203.0.113.9' },
    { at: nowMs - 2 * hourMs, ...login, tenant_id: 'globex', actor_id: 'u_x', ip: '203.0.113.9' },
    ...[40, 39].map((minutes) => ({ at: nowMs - minutes * minuteMs, ...login, actor_id: 'u_kim', ip: '203.0.113.10' })),
    { at: nowMs - 2 * dayMs, action: 'user.logout', actor_id: 'u_ann', ip: '198.51.100.5' },
    { at: nowMs - 50 * minuteMs, action: 'search.run', actor_id: 'u_tom', country: 'DE' },
    { at: nowMs - 20 * minuteMs, action: 'search.run', actor_id: 'u_tom', country: 'FR' },
    ...[1, 2, 3, 4, 5].map((number) => ({
      at: tenMinutes + number * minuteMs,
      action: 'document.deleted',
      operation: 'delete' as const,
      actor_id: 'u_mal',
      ...resources(`document:x${number}`),
    })),
    { at: nowMs - 10 * dayMs, action: 'document.read', operation: 'read', actor_id: 'u_ro' },
    ...Array.from({ length: 12 }, (_, number) => ({
      at: nowMs - (number + 1) * hourMs,
      action: 'document.read',
      operation: 'read' as const,
      actor_id: 'u_ro',
    })),
    ...[3, 4].map((days) => ({ at: nowMs - days * dayMs, action: 'user.login', tenant_id: 'silent', actor_id: 'u_s' })),
    // Not events, with a seq of their own: no query may show them.
    {
      at: march(10, '10:00:00'),
      action: 'document.read',
      actor_id: 'u_jane',
      status: 'duplicate',
      ...resources('document:d7'),
    },
    {
      at: march(10, '10:00:00'),
      action: '',
      status: 'quarantined',
      status_detail: 'invalid',
      raw: Buffer.from('SECRET'),
    },
    { at: march(11, '10:00:00'), action: 'note.added', actor_id: 'u_bob' },
  ];
}

type Row = Readonly<Record<string, unknown>>;

/** By heading of docs/analysts.md: the rows of the answer, with the columns that tell. */
export function analystsAnswers(): Readonly<Record<string, readonly Row[]>> {
  return {
    'Who touched this document?': [
      { actor_id: 'u_bob', action: 'document.read', ip: '10.0.0.2' },
      { actor_id: 'u_ann', action: 'document.updated', ip: '10.0.0.1' },
    ],
    'Who changed this value, and what was it before?': [
      { actor_id: 'u_ann', path: 'permissions', old_value: '["read"]', new_value: '["write"]' },
    ],
    'Failed logins by address, all tenants, the last day': [{ ip: '203.0.113.9', failures: 4, accounts: 2 }],
    'Did one of the guessers get in?': [{ tenant_id: 'acme', actor_id: 'u_eve', ip: '203.0.113.9', failures: 3 }],
    'Everything that a departed employee did': [
      { actor_id: 'u_jane', action: 'document.read', resource_id: 'd9' },
      { actor_id: 'u_jane', action: 'user.logout' },
      { actor_id: 'k_1', on_behalf_of_id: 'u_jane' },
    ],
    'Did anything of theirs go on working after they left?': [{ actor_type: 'api_key', source_of: 'sync', events: 1 }],
    'Actions outside office hours': [
      { actor_id: 'u_ann', name: 'Ann', events: 1 },
      { actor_id: 'u_bob', name: 'Bob', events: 1 },
    ],
    'Addresses that an actor had never used before': [{ actor_id: 'u_ann', ip: '198.51.100.5', events: 1 }],
    'One actor in two countries within an hour': [
      { actor_id: 'u_tom', country_before: 'DE', country: 'FR', minutes: 30 },
    ],
    'Who gave whom more rights?': [{ granted_by: 'u_ann', granted_to: 'u_bob', before: '"member"', after: '"admin"' }],
    'Keys that were made and are still there': [{ key_id: 'k_1', made_by: 'u_ann' }],
    'Many deletions at once': [{ actor_id: 'u_mal', deletions: 5, objects: 5 }],
    'Who acted in the name of others?': [
      { actor_id: 'u_sup', people: 2, events: 2 },
      { actor_id: 'k_1', actor_type: 'api_key', people: 1, events: 1 },
    ],
    'Refused first, and allowed soon after': [{ actor_id: 'u_bob', action: 'report.exported' }],
    'Who reads much more than usual?': [{ actor_id: 'u_ro', last_day: 12, usual_day: 0 }],
    'Which tenants have gone silent?': [{ tenant_id: 'silent', events: 2 }],
    'Is the log whole?': [
      { tenant_id: 'acme', not_shown: 2 },
      { tenant_id: 'globex', not_shown: 0 },
      { tenant_id: 'silent', not_shown: 0 },
    ],
  };
}
