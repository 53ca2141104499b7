import { wordOf } from './row-sql.ts';

/** What a question is asked about. */
export interface Subject {
  readonly tenantId: string;
  readonly actors: number;
  /** Whole numbers below n. */
  readonly below: (n: number) => number;
  /** Known to be in the log: an id and its place. */
  readonly sample: { readonly id: string; readonly seq: number; readonly occurredAt: string };
  /** RFC 3339. */
  readonly end: string;
  readonly rows: number;
}

export interface PeerStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** One question, as a path of the query service and as statements of PostgreSQL; no statements: it is not asked there. */
export interface Question {
  readonly name: string;
  readonly path: (subject: Subject) => string;
  readonly peer?: (subject: Subject) => readonly PeerStatement[];
}

const columns =
  'id, seq, occurred_at, received_at, action, category, operation, outcome, outcome_reason, severity, actor_type, actor_id, actor_name, on_behalf_of_type, on_behalf_of_id, resources, changes, description, ip, user_agent, country, session_id, request_id, trace_id, service, version, instance, metadata';
const newest = 'ORDER BY occurred_at DESC, id DESC LIMIT 101';

function path(base: string, parameters: Readonly<Record<string, string | number>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) query.set(name, String(value));
  return `${base}?${query.toString()}`;
}

/** A page of the events that fit one condition. */
function filter(
  name: string,
  parameters: (subject: Subject) => Readonly<Record<string, string>>,
  peer?: (subject: Subject) => readonly [condition: string, ...values: unknown[]],
): Question {
  return {
    name,
    path: (subject) => path('/v1/events', { tenant_id: subject.tenantId, ...parameters(subject) }),
    ...(peer === undefined
      ? {}
      : {
          peer: (subject: Subject) => {
            const [condition, ...values] = peer(subject);
            const text = `SELECT ${columns} FROM audit_events WHERE tenant_id = $1 AND ${condition} ${newest}`;
            return [{ text, values: [subject.tenantId, ...values] }];
          },
        }),
  };
}

/** Few actors make most events: the low numbers. */
const actorOf = ({ actors, below }: Subject): string => `u_${Math.floor(actors * (below(1_000) / 1_000) ** 2.2)}`;
const documentOf = ({ actors, below }: Subject): string =>
  `d_${Math.floor(actors * 20 * (below(1_000) / 1_000) ** 1.8)}`;
const monthBefore = (end: string): string => new Date(Date.parse(end) - 30 * 86_400_000).toISOString();

const counted = 'FROM audit_events WHERE tenant_id = $1 AND occurred_at >= $2 AND occurred_at < $3';

export const questions: readonly Question[] = [
  filter(
    'first_page',
    () => ({}),
    () => ['true'],
  ),
  {
    name: 'deep_page',
    // A cursor is the service's own; a page this deep begins at a time instead, and is found the same way.
    path: ({ tenantId, sample }) => path('/v1/events', { tenant_id: tenantId, until: sample.occurredAt }),
    peer: ({ tenantId, sample }) => [
      {
        text: `SELECT ${columns} FROM audit_events WHERE tenant_id = $1 AND (occurred_at, id) < ($2, $3) ${newest}`,
        values: [tenantId, sample.occurredAt, sample.id],
      },
    ],
  },
  filter(
    'actor',
    (subject) => ({ actor_id: actorOf(subject) }),
    (subject) => ['actor_id = $2', actorOf(subject)],
  ),
  filter(
    'action',
    ({ below }) => ({ action: ['user.login', 'report.exported', 'api_key.created'][below(3)] ?? '' }),
    ({ below }) => ['action = $2', ['user.login', 'report.exported', 'api_key.created'][below(3)]],
  ),
  filter(
    'action_prefix',
    () => ({ action: 'api_key.*' }),
    () => ["action LIKE 'api\\_key.%'"],
  ),
  filter(
    'resource',
    (subject) => ({ resource: `document:${documentOf(subject)}` }),
    (subject) => ['resource_keys @> ARRAY[$2]', `document:${documentOf(subject)}`],
  ),
  filter('resource_id', (subject) => ({ resource_id: documentOf(subject) })),
  filter(
    'outcome',
    () => ({ outcome: 'denied' }),
    () => ["outcome = 'denied'"],
  ),
  filter(
    'severity',
    () => ({ severity: 'critical' }),
    () => ["severity = 'critical'"],
  ),
  filter('category', () => ({ category: 'configuration' })),
  filter('operation', () => ({ operation: 'delete' })),
  filter('service', () => ({ service: 'billing' })),
  filter('on_behalf_of', (subject) => ({ on_behalf_of_id: actorOf(subject) })),
  filter('actor_type', () => ({ actor_type: 'api_key' })),
  filter(
    'ip',
    ({ below }) => ({ ip: `203.0.${below(200)}.${below(256)}` }),
    ({ below }) => ['ip = $2::inet', `203.0.${below(200)}.${below(256)}`],
  ),
  filter('ip_block', ({ below }) => ({ ip: `203.0.${below(200)}.0/24` })),
  filter('session', () => ({ session_id: 's_0123456789abcdef' })),
  filter('trace', () => ({ trace_id: '0123456789abcdef0123456789abcdef' })),
  filter(
    'metadata',
    ({ below }) => ({ 'metadata.campaign': `c_${below(2_000)}` }),
    ({ below }) => ['metadata @> $2', JSON.stringify({ campaign: `c_${below(2_000)}` })],
  ),
  filter('range', ({ sample }) => ({
    since: new Date(Date.parse(sample.occurredAt) - 3_600_000).toISOString(),
    until: sample.occurredAt,
  })),
  filter(
    'full_text',
    ({ below }) => ({ q: wordOf(below(8_000)) }),
    ({ below }) => ["words @@ plainto_tsquery('simple', $2)", wordOf(below(8_000))],
  ),
  filter(
    'full_text_two_words',
    ({ below }) => ({ q: `${wordOf(below(8_000))} report` }),
    ({ below }) => ["words @@ plainto_tsquery('simple', $2)", `${wordOf(below(8_000))} report`],
  ),
  {
    name: 'histogram_30_days',
    path: ({ tenantId, end }) =>
      path('/v1/events/histogram', { tenant_id: tenantId, since: monthBefore(end), until: end, by: 'outcome' }),
    peer: ({ tenantId, end }) => [
      {
        text: `SELECT date_bin('6 hours', occurred_at, '2026-01-01Z') AS bucket, outcome, count(*) ${counted} GROUP BY 1, 2 ORDER BY 1`,
        values: [tenantId, monthBefore(end), end],
      },
    ],
  },
  {
    name: 'facets',
    path: ({ tenantId, end }) =>
      `${path('/v1/events/facets', { tenant_id: tenantId, since: monthBefore(end), until: end, field: 'action' })}&field=actor_id`,
    peer: ({ tenantId, end }) =>
      [
        `SELECT count(*) ${counted}`,
        ...['action', 'actor_id'].map(
          (field) => `SELECT ${field}, count(*) AS events ${counted} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 11`,
        ),
      ].map((text) => ({ text, values: [tenantId, monthBefore(end), end] })),
  },
  {
    name: 'feed_1000',
    path: ({ tenantId, rows, below }) =>
      path('/v1/feed', { tenant_id: tenantId, limit: 1_000, after: below(Math.max(1, rows - 1_000)) }),
    peer: ({ tenantId, rows, below }) => [
      {
        text: `SELECT ${columns} FROM audit_events WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT 1000`,
        values: [tenantId, below(Math.max(1, rows - 1_000))],
      },
    ],
  },
  {
    name: 'event_by_id',
    path: ({ tenantId, sample }) => path(`/v1/events/${sample.id}`, { tenant_id: tenantId }),
    peer: ({ tenantId, sample }) => [
      { text: `SELECT ${columns} FROM audit_events WHERE tenant_id = $1 AND id = $2`, values: [tenantId, sample.id] },
    ],
  },
];
