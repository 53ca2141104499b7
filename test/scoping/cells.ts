import { newEventId } from '@docket/event';
import { eventually } from '@docket/testkit';
import type { Scope } from './credentials.ts';
import { bob, robot, type MarkedTenant } from './marked-tenant.ts';
import type { Ask, ScopingWorld } from './scoping-world.ts';

/** What is tried at one endpoint. A new endpoint has no cells, and the matrix fails for it. */
export interface EndpointCells {
  /** Any of these scopes; none: every credential of this service may. */
  readonly scopes: readonly Scope[];
  /** Keys for some tenants may not, whatever their scopes. */
  readonly isForOperators?: true;
  /** Views of viewer tokens that may; null: the service takes no tokens at all. */
  readonly views: readonly ('admin' | 'user')[] | null;
  /** A request about a tenant that its own credentials may make. */
  readonly own: (world: ScopingWorld, of: MarkedTenant) => Ask | Promise<Ask>;
  /** Statuses of `own` that are no refusal, beside 2xx. */
  readonly alsoFine?: readonly number[];
  /** How tokens of other views are refused; 403 unless said. */
  readonly refusal?: number;
  /** Whether the answer to `own` has a mark of the tenant in it. */
  readonly shows: boolean;
  /** Requests that reach for `right`'s data; `right`'s own key gets it with the same. */
  readonly foreign?: (world: ScopingWorld, right: MarkedTenant) => readonly Ask[] | Promise<readonly Ask[]>;
  /** Requests that reach for what the view `user` of jane hides; a key of the tenant gets it with the same. */
  readonly hidden?: (of: MarkedTenant) => readonly Ask[];
}

const get = (path: string): Ask => ({ method: 'GET', path });
const query = (parameters: Readonly<Record<string, string>>): string => new URLSearchParams(parameters).toString();
const range = 'since=-1d';

/**
 * The values of a tenant that its log is searched for. Who asks for them knows them, and finds the questions in the own log: the
 * access trail keeps them. All other marks of the same events stay forbidden.
 */
export function searchedValues({ prefix, elsewhere, jane }: MarkedTenant) {
  return {
    note: `${prefix}elsewhere-note`,
    ip: String(Object(elsewhere.input['context'])['ip']),
    session: `${prefix}jane-session`,
    description: `${prefix}elsewhere-description`,
    action: String(jane.input['action']),
  };
}

/** Filters that find an event of a tenant, by its own marks and by ids that all tenants have. */
function searchesFor(tenant: MarkedTenant): string[] {
  const { note, ip, session, description, action } = searchedValues(tenant);
  return [
    '',
    query({ 'metadata.note': note }),
    query({ ip }),
    query({ session_id: session }),
    query({ q: description }),
    query({ q: `actor:jane OR ip:${ip} OR -actor:nobody` }),
    query({ actor_id: 'jane' }),
    query({ resource: 'document:shared-document' }),
    query({ action }),
  ];
}

/** With tenant_id, and left to what the credential implies. */
function bothWays(path: string, { id }: MarkedTenant, searches: readonly string[]): Ask[] {
  const join = (...parts: string[]): string => `${path}?${parts.filter((part) => part !== '').join('&')}`;
  return searches.flatMap((search) => [get(join(`tenant_id=${id}`, search)), get(join(search))]);
}

/** What jane's view hides: others' events, and where others act from. */
function hiddenSearches({ prefix, onDocument }: MarkedTenant): string[] {
  return [
    query({ actor_id: bob.id, action: `${prefix}elsewhere-action` }),
    query({ actor_type: robot.type, actor_id: robot.id }),
    query({ ip: String(Object(onDocument.input['context'])['ip']) }),
    query({ session_id: `${prefix}document-session` }),
    query({ q: `ip:198.51.100.0/24 actor:${bob.id}` }),
    query({ q: `session_id:${prefix}document* -actor:jane` }),
    query({ q: 'seq:>=1 -actor:nobody' }),
    query({ q: `${prefix}elsewhere-description` }),
  ];
}

const reading = { scopes: ['events:read'], views: ['admin', 'user'], shows: true } as const;
const facetFields = 'field=action&field=actor_id&field=ip&field=session_id&field=service';

const reads: Readonly<Record<string, EndpointCells>> = {
  'GET /v1/events': {
    ...reading,
    own: (_, { id }) => get(`/v1/events?tenant_id=${id}`),
    foreign: (_, right) => bothWays('/v1/events', right, searchesFor(right)),
    hidden: (of) => hiddenSearches(of).map((search) => get(`/v1/events?tenant_id=${of.id}&${search}`)),
  },
  'GET /v1/events/{id}': {
    ...reading,
    own: (_, { id, jane }) => get(`/v1/events/${jane.id}?tenant_id=${id}`),
    foreign: (_, right) => right.events.flatMap(({ id }) => [get(`/v1/events/${id}`), get(`/v1/events/${id}?tenant_id=${right.id}`)]),
    hidden: (of) => [of.elsewhere, of.robot].map(({ id }) => get(`/v1/events/${id}?tenant_id=${of.id}`)),
  }, // prettier-ignore
  'GET /v1/events/histogram': {
    ...reading,
    own: (_, { id }) => get(`/v1/events/histogram?tenant_id=${id}&${range}&interval=6h&by=service`),
    foreign: (_, right) => bothWays(`/v1/events/histogram`, right, searchesFor(right).map((search) => `${range}&interval=6h&by=service&${search}`)),
    hidden: (of) => hiddenSearches(of).map((search) => get(`/v1/events/histogram?tenant_id=${of.id}&${range}&interval=6h&by=service&${search}`)),
  }, // prettier-ignore
  'GET /v1/events/facets': {
    ...reading,
    own: (_, { id }) => get(`/v1/events/facets?tenant_id=${id}&${facetFields}`),
    foreign: (_, right) => bothWays('/v1/events/facets', right, searchesFor(right).map((search) => `${facetFields}&${search}`)),
    hidden: (of) => ['', ...hiddenSearches(of)].map((search) => get(`/v1/events/facets?tenant_id=${of.id}&${facetFields}&${search}`)),
  }, // prettier-ignore
  'GET /v1/feed': {
    ...reading,
    views: ['admin'],
    own: (_, { id }) => get(`/v1/feed?tenant_id=${id}`),
    foreign: (_, right) => bothWays('/v1/feed', right, ['', 'after=0&limit=1000', query({ q: 'actor:jane' })]),
    hidden: (of) => [get(`/v1/feed?tenant_id=${of.id}&after=0`)],
  },
  'GET /v1/tail': {
    ...reading,
    views: ['admin'],
    own: (_, { id }) => get(`/v1/tail?tenant_id=${id}&after=0`),
    foreign: (_, { id }) => [get(`/v1/tail?tenant_id=${id}&after=0`), get('/v1/tail?after=0')],
    hidden: (of) => [get(`/v1/tail?tenant_id=${of.id}&after=0`)],
  },
  'GET /v1/events/{id}/trace': {
    ...reading,
    views: ['admin'],
    // Seqs, times and ids, which the request names.
    shows: false,
    own: (_, { id, jane }) => get(`/v1/events/${jane.id}/trace?tenant_id=${id}`),
    foreign: (_, right) => right.events.flatMap(({ id }) => [get(`/v1/events/${id}/trace`), get(`/v1/events/${id}/trace?tenant_id=${right.id}`)]),
  }, // prettier-ignore
  'GET /v1/quarantine': {
    ...reading,
    views: [],
    isForOperators: true,
    own: (_, { id }) => get(`/v1/quarantine?tenant_id=${id}`),
    foreign: (_, { id }) => [get(`/v1/quarantine?tenant_id=${id}`), get('/v1/quarantine?tenant_id=*')],
  },
  'POST /v1/quarantine/{seq}/redrive': {
    ...reading,
    views: [],
    isForOperators: true,
    shows: false,
    own: (_, of) => redrive(of),
    foreign: (_, right) => [redrive(right)],
  },
  'GET /v1/ledger': {
    ...reading,
    views: ['admin'],
    // Counts, seqs and digests.
    shows: false,
    own: (_, { id }) => get(`/v1/ledger?tenant_id=${id}&${range}`),
    foreign: (_, { id }) => [get(`/v1/ledger?tenant_id=${id}&${range}`), get(`/v1/ledger?${range}`)],
  },
  'GET /v1/export': {
    ...reading,
    own: (_, { id }) => get(`/v1/export?tenant_id=${id}`),
    foreign: (_, right) => bothWays('/v1/export', right, ['format=csv', 'format=parquet', ...searchesFor(right).map((search) => `format=ndjson&${search}`)]),
    hidden: (of) => hiddenSearches(of).flatMap((search) => ['ndjson', 'csv', 'parquet'].map((format) => get(`/v1/export?tenant_id=${of.id}&format=${format}&${search}`))),
  }, // prettier-ignore
  'POST /v1/exports': {
    ...reading,
    shows: false,
    own: (_, { id }) => ({ method: 'POST', path: `/v1/exports?tenant_id=${id}` }),
    foreign: (_, { id }) => [{ method: 'POST', path: `/v1/exports?tenant_id=${id}` }],
  },
  'GET /v1/exports/{id}': {
    ...reading,
    // A user sees the records of own exports, and this one is another's.
    views: ['admin'],
    refusal: 404,
    shows: false,
    own: async (world, of) => get(await newExport(world, of)),
    foreign: async (world, right) => {
      const path = await newExport(world, right);
      return [get(path), get(path.replace(/\?.*/, ''))];
    },
  },
  'GET /v1/whoami': { scopes: [], views: ['admin', 'user'], shows: false, own: () => get('/v1/whoami') },
  'POST /v1/viewer-tokens': {
    scopes: ['events:read'],
    views: [],
    shows: false,
    own: (_, { id }) => ({ method: 'POST', path: '/v1/viewer-tokens', body: { tenant_id: id, view: 'admin' } }),
    foreign: (_, { id }) => [
      { method: 'POST', path: '/v1/viewer-tokens', body: { tenant_id: id, view: 'admin' } },
      {
        method: 'POST',
        path: '/v1/viewer-tokens',
        body: { tenant_id: id, view: 'user', any_of: [{ actor: { type: 'user', id: 'jane' } }] },
      },
    ],
  },
};

/** Of the record that could not be read: it came behind the events, and these behind what tells that the tenant and its key were made. */
function redrive({ id, events }: MarkedTenant): Ask {
  const event = { tenant_id: id, action: 'redriven.by.matrix', actor: { type: 'service', id: 'matrix' } };
  return { method: 'POST', path: `/v1/quarantine/${events.length + 3}/redrive?tenant_id=${id}`, body: { event } };
}

/** An export of the tenant by its own key, and where its record is. */
async function newExport({ need, readerKeys }: ScopingWorld, { id }: MarkedTenant): Promise<string> {
  const { text } = await need(readerKeys.get(id) ?? '', get(`/v1/export?tenant_id=${id}`));
  return `/v1/exports/${/docket-export-id: (\S+)/.exec(text)?.[1] ?? ''}?tenant_id=${id}`;
}

const administering = { scopes: ['admin'], views: null, shows: true } as const;
const subscribing = { scopes: ['admin', 'subscriptions:write'], views: null, shows: true } as const;
const post = (path: string, body: unknown): Ask => ({ method: 'POST', path, body });

function subscription({ id, prefix }: MarkedTenant): unknown {
  const sink = { type: 'webhook', url: `https://${prefix}hook.example.com/` };
  return { tenant_id: id, name: `${prefix}subscription`, sink, state: 'paused' };
}

/** A new object of the tenant for each cell, so that a cell which removes one takes nothing from the next. */
async function newSubscription({ need, root }: ScopingWorld, of: MarkedTenant): Promise<string> {
  const made = await need(root, post('/v1/subscriptions', subscription(of)));
  return `/v1/subscriptions/${String(made.body['id'])}`;
}

const shared = new WeakMap<ScopingWorld, Map<string, Promise<string>>>();

/** One of the tenant that no cell removes: a tenant may have a hundred. */
function anySubscription(world: ScopingWorld, of: MarkedTenant): Promise<string> {
  const paths = shared.get(world) ?? new Map<string, Promise<string>>();
  shared.set(world, paths);
  const path = paths.get(of.id) ?? newSubscription(world, of);
  paths.set(of.id, path);
  return path;
}

const askers = new WeakMap<ScopingWorld, Promise<string>>();

/** The same, once the delivery service knows it. */
async function knownSubscription(world: ScopingWorld, of: MarkedTenant): Promise<string> {
  const path = await anySubscription(world, of);
  const asker = askers.get(world) ?? world.makeKey(['admin'], '*').then(({ key }) => key);
  askers.set(world, asker);
  const isKnown = async () => (await world.ask(await asker, get(`${path}/status`))).status === 200;
  await eventually(isKnown, { what: 'the subscription at the delivery service' });
  return path;
}

async function newKey({ makeKey }: ScopingWorld, { id, prefix }: MarkedTenant): Promise<string> {
  return `/v1/keys/${(await makeKey(['events:read'], [id], { name: `${prefix}another-key` })).id}`;
}

const writes: Readonly<Record<string, EndpointCells>> = {
  'POST /v1/events': {
    scopes: ['events:write'],
    views: null,
    shows: false,
    own: (_, of) => post('/v1/events', newEvent(of)),
    foreign: (_, right) => [post('/v1/events', newEvent(right)), post('/v1/events', { events: [newEvent(right)] })],
  },
  'POST /v1/tenants': {
    ...administering,
    shows: false,
    alsoFine: [409],
    own: (_, { id }) => post('/v1/tenants', { id }),
    foreign: (_, { id }) => [post('/v1/tenants', { id, name: 'renamed' })],
  },
  'GET /v1/tenants': { ...administering, own: () => get('/v1/tenants'), foreign: () => [get('/v1/tenants?limit=1000')] },
  'GET /v1/tenants/{id}': {
    ...administering,
    own: (_, { id }) => get(`/v1/tenants/${id}`),
    foreign: (_, { id }) => [get(`/v1/tenants/${id}`)],
  },
  'POST /v1/keys': {
    ...administering,
    own: (_, { id, prefix }) => post('/v1/keys', { name: `${prefix}new`, scopes: ['events:read'], tenants: [id] }),
    foreign: (_, { id, prefix }) => [post('/v1/keys', { name: `${prefix}stolen`, scopes: ['events:read'], tenants: [id] })],
  },
  'GET /v1/keys': { ...administering, own: () => get('/v1/keys?limit=1000'), foreign: () => [get('/v1/keys?limit=1000')] },
  'GET /v1/keys/{id}': {
    ...administering,
    own: async (world, of) => get(await newKey(world, of)),
    foreign: async (world, right) => [get(await newKey(world, right))],
  },
  'DELETE /v1/keys/{id}': {
    ...administering,
    shows: false,
    own: async (world, of) => ({ method: 'DELETE', path: await newKey(world, of) }),
    foreign: async (world, right) => [{ method: 'DELETE', path: await newKey(world, right) }],
  },
  'POST /v1/keys/{id}/rotate': {
    ...administering,
    own: async (world, of) => post(`${await newKey(world, of)}/rotate`, {}),
    foreign: async (world, right) => [post(`${await newKey(world, right)}/rotate`, { overlap_seconds: 0 })],
  },
  'POST /v1/subscriptions': {
    ...subscribing,
    own: (_, of) => post('/v1/subscriptions', subscription(of)),
    foreign: (_, right) => [post('/v1/subscriptions', subscription(right))],
  },
  'GET /v1/subscriptions': {
    ...subscribing,
    own: async (world, of) => (await newSubscription(world, of), get('/v1/subscriptions?limit=1000')),
    foreign: (_, { id }) => [get('/v1/subscriptions?limit=1000'), get(`/v1/subscriptions?tenant_id=${id}`)],
  },
  'GET /v1/subscriptions/{id}': {
    ...subscribing,
    own: async (world, of) => get(await newSubscription(world, of)),
    foreign: async (world, right) => [get(await newSubscription(world, right))],
  },
  'PATCH /v1/subscriptions/{id}': {
    ...subscribing,
    own: async (world, of) => ({ method: 'PATCH', path: await newSubscription(world, of), body: { state: 'paused' } }),
    foreign: async (world, right) => [
      { method: 'PATCH', path: await newSubscription(world, right), body: { sink: { url: 'https://thief.example.com/' } } },
    ],
  },
  'POST /v1/subscriptions/{id}/resume': {
    ...subscribing,
    own: async (world, of) => post(`${await anySubscription(world, of)}/resume`, { from: 'cursor' }),
    foreign: async (world, right) => [post(`${await anySubscription(world, right)}/resume`, { from: 'now' })],
  },
  'POST /v1/subscriptions/{id}/rotate-secret': {
    ...subscribing,
    shows: false,
    own: async (world, of) => post(`${await anySubscription(world, of)}/rotate-secret`, { overlap_seconds: 0 }),
    foreign: async (world, right) => [post(`${await anySubscription(world, right)}/rotate-secret`, { overlap_seconds: 0 })],
  },
  'GET /v1/subscriptions/{id}/status': {
    ...subscribing,
    own: async (world, of) => get(`${await knownSubscription(world, of)}/status`),
    foreign: async (world, right) => [get(`${await knownSubscription(world, right)}/status`)],
  },
  'POST /v1/subscriptions/{id}/test': {
    ...subscribing,
    shows: false,
    // Another credential's test of the same subscription may be under way.
    alsoFine: [429],
    own: async (world, of) => ({ method: 'POST', path: `${await knownSubscription(world, of)}/test` }),
    foreign: async (world, right) => [{ method: 'POST', path: `${await knownSubscription(world, right)}/test` }],
  },
  'GET /v1/subscriptions/{id}/replay/dry-run': {
    ...subscribing,
    // Counts and seqs.
    shows: false,
    own: async (world, of) => get(`${await knownSubscription(world, of)}/replay/dry-run`),
    foreign: async (world, right) => [get(`${await knownSubscription(world, right)}/replay/dry-run?since=2026-01-01T00:00:00Z`)],
  },
  'POST /v1/subscriptions/{id}/replay': {
    ...subscribing,
    own: async (world, of) => post(`${await newSubscription(world, of)}/replay`, { from_seq: 1, to_seq: 2 }),
    foreign: async (world, right) => [post(`${await newSubscription(world, right)}/replay`, { from_seq: 1, to_seq: 2 })],
  },
  'GET /v1/subscriptions/{id}/preview': {
    ...subscribing,
    own: async (world, of) => get(`${await knownSubscription(world, of)}/preview`),
    foreign: async (world, right) => [get(`${await knownSubscription(world, right)}/preview`)],
  },
  'GET /v1/subscriptions/{id}/parked': {
    ...subscribing,
    shows: false,
    own: async (world, of) => get(`${await anySubscription(world, of)}/parked`),
    foreign: async (world, right) => [get(`${await anySubscription(world, right)}/parked`)],
  },
  'POST /v1/subscriptions/{id}/parked/replay': {
    ...subscribing,
    shows: false,
    own: async (world, of) => post(`${await anySubscription(world, of)}/parked/replay`, { seqs: 'all' }),
    foreign: async (world, right) => [post(`${await anySubscription(world, right)}/parked/replay`, { seqs: 'all' })],
  },
  'DELETE /v1/subscriptions/{id}/parked': {
    ...subscribing,
    shows: false,
    own: async (world, of) => ({ method: 'DELETE', path: `${await anySubscription(world, of)}/parked?seqs=all` }),
    foreign: async (world, right) => [{ method: 'DELETE', path: `${await anySubscription(world, right)}/parked?seqs=all` }],
  },
  'DELETE /v1/subscriptions/{id}': {
    ...subscribing,
    shows: false,
    own: async (world, of) => ({ method: 'DELETE', path: await newSubscription(world, of) }),
    foreign: async (world, right) => [{ method: 'DELETE', path: await newSubscription(world, right) }],
  },
}; // prettier-ignore

function newEvent({ id }: MarkedTenant): unknown {
  return { id: newEventId(), tenant_id: id, action: 'written.by.matrix', actor: { type: 'service', id: 'matrix' } };
}

/** All cells, by method and path as the OpenAPI document of the gateway has them. */
export const endpointCells: Readonly<Record<string, EndpointCells>> = { ...reads, ...writes };
