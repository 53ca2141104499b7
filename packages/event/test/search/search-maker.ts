import {
  categories,
  eventStatuses,
  operations,
  outcomes,
  severities,
  type AuditEvent,
  type LoggedEvent,
  type Search,
  type ValueField,
} from '../../src/index.ts';
import { canonicalBlock } from '../../src/search/ip-block.ts';
import { tokensOf } from '../../src/search/search-text.ts';
import type { Chance } from '../event-maker.ts';

/** Few and hostile: that events and searches meet, and that what one side treats as syntax is met as data. */
const texts = [
  'u_1', 'U_1', 'u', 'doc:7', '7', 'a b', "o'brien", '"', '\\', '\\"', '%', '_', 'u%', '*', 'u*', '\0', 'a\0b', '\t', '\n', "\\'", '{p0:String}',
  'é', 'É', 'ÀB', '語', '👩', 'wörld', 'a.b-c', '-', '--', ')', '(', 'OR', ' ', '\u00a0x', '\ufeff', '$&', '>=', '..', 'x'.repeat(256),
] as const; // prettier-ignore
const types = ['user', 'doc', 'u', 'a.b'] as const;
const actions = ['user.created', 'user.role.updated', 'users.listed', 'u', 'a-b_c'] as const;
const keys = ['plan', 'a.b', 'k', '__x', 'constructor'] as const;
const addresses = [
  '', '203.0.113.7', '203.0.113.128', '10.0.0.1', '::ffff:203.0.113.7', '::FFFF:CB00:7107', '0:0:0:0:0:ffff:10.0.0.1', '2001:DB8::1', '2001:db8:0:0::1',
  '::', '::1', '::203.0.113.7', '1:2:3:4:5:6:203.0.113.7', 'fe80::1:0:0', '0.0.0.0', '255.255.255.255',
] as const; // prettier-ignore
const prefixes = ['', '/0', '/1', '/8', '/24', '/25', '/32', '/33', '/64', '/96', '/97', '/128'] as const;
const words = ['User', 'created', 'wÖrld', '語', 'é', 'É', 'u', '7', 'brien', 'x1', 'a b', 'u_1'] as const;

/** Noon: all arrivals lie in one month, which is a partition of the table. */
export const baseMicros = Date.UTC(2026, 10, 1, 12) * 1_000;

const textFrom = (chance: Chance): string =>
  chance.onceIn(3) ? '' : chance.onceIn(3) ? `${chance.pick(texts)}${chance.pick(texts)}` : chance.pick(texts);
const idFrom = (chance: Chance): string => textFrom(chance) || 'u_1';
const microsFrom = (chance: Chance): number => baseMicros + chance.upTo(6) * 500 - 1_500;
const sentenceFrom = (chance: Chance): string =>
  Array.from({ length: chance.upTo(4) }, () => chance.pick([...words, ...texts])).join(
    chance.pick([' ', '-', '', '\0']),
  );

/** An event in the log of `tenantId`, of values that searches from here ask for. */
export function loggedFrom(chance: Chance, tenantId: string, seq: number): LoggedEvent {
  const principal = () => ({ type: chance.pick(types), id: idFrom(chance), name: sentenceFrom(chance), metadata: {} });
  const { metadata: _, ...behalf } = principal();
  const event: AuditEvent = {
    id: `0199f3c2-0000-7000-8000-${String(seq).padStart(12, '0')}`,
    tenant_id: tenantId,
    occurred_at: chance.onceIn(5) ? null : microsFrom(chance),
    action: chance.pick(actions),
    category: chance.onceIn(3) ? null : chance.pick(categories),
    operation: chance.pick(operations),
    outcome: chance.pick(outcomes),
    outcome_reason: '',
    severity: chance.pick(severities),
    actor: principal(),
    on_behalf_of: chance.onceIn(2) ? behalf : null,
    resources: Array.from({ length: chance.upTo(3) }, principal),
    changes: [],
    description: sentenceFrom(chance),
    context: {
      ip: chance.pick(addresses),
      user_agent: '',
      country: '',
      session_id: textFrom(chance),
      request_id: textFrom(chance),
      trace_id: textFrom(chance),
    },
    source: { service: textFrom(chance), version: '', instance: '', counter: 0 },
    metadata: Object.fromEntries(Array.from({ length: chance.upTo(3) }, () => [chance.pick(keys), textFrom(chance)])),
    commitment_seed: null,
    ingest: null,
  };
  return { event, seq, status: chance.pick(eventStatuses), receivedAtMs: baseMicros / 1_000 + chance.upTo(4) - 2 };
}

const valueOf: Readonly<Record<string, (chance: Chance) => string>> = {
  action: (chance) => chance.pick(actions),
  actor_type: (chance) => chance.pick(types),
  on_behalf_of_type: (chance) => chance.pick(types),
  resource_type: (chance) => chance.pick(types),
  resource: (chance) => `${chance.pick(types)}:${idFrom(chance)}`,
  category: (chance) => chance.pick(categories),
  operation: (chance) => chance.pick(operations),
  outcome: (chance) => chance.pick(outcomes),
  severity: (chance) => chance.pick(severities),
  status: (chance) => chance.pick(eventStatuses),
  ip: (chance) => {
    for (;;) {
      const block = canonicalBlock(`${chance.pick(addresses)}${chance.pick(prefixes)}`);
      if (block !== null) return block;
    }
  },
};

const fields: readonly [ValueField, ...ValueField[]] = [
  'action', 'actor_id', 'actor_type', 'on_behalf_of_id', 'on_behalf_of_type', 'resource', 'resource_type', 'resource_id', 'category', 'operation',
  'outcome', 'severity', 'ip', 'service', 'session_id', 'request_id', 'trace_id', 'status', 'metadata.plan', 'metadata.a.b', 'metadata.constructor',
]; // prettier-ignore
const whole: ReadonlySet<string> = new Set(['category', 'operation', 'outcome', 'severity', 'status', 'ip']);

function valueTermFrom(chance: Chance): Search {
  const field = chance.pick(fields);
  const value = (): string => (valueOf[field] ?? idFrom)(chance);
  if (chance.onceIn(8) && field !== 'status') return { kind: 'present', field };
  if (chance.onceIn(3) && !whole.has(field)) {
    const text = value();
    const cut =
      field === 'resource' ? Math.max(text.indexOf(':') + 1, text.length - 1) : Math.max(1, chance.upTo(text.length));
    return { kind: 'prefix', field, text: Array.from(text).slice(0, cut).join('') };
  }
  return { kind: 'is', field, values: Array.from({ length: chance.onceIn(3) ? 3 : 1 }, value) };
}

function rangeFrom(chance: Chance): Search {
  const field = chance.pick(['occurred_at', 'received_at', 'seq'] as const);
  const bound = (): number => (field === 'seq' ? 1 + chance.upTo(200) : microsFrom(chance) + chance.upTo(2) - 1);
  const [from, before] = [chance.onceIn(3) ? null : bound(), chance.onceIn(3) ? null : bound() + chance.upTo(2)];
  return { kind: 'range', field, from, before };
}

/** A search of any shape, nested up to `depth`. */
export function searchFrom(chance: Chance, depth: number): Search {
  if (depth > 0 && !chance.onceIn(3)) {
    if (chance.onceIn(3)) return { kind: 'not', term: searchFrom(chance, depth - 1) };
    const terms = Array.from({ length: 1 + chance.upTo(2) }, () => searchFrom(chance, depth - 1));
    return { kind: chance.pick(['and', 'or'] as const), terms };
  }
  if (chance.onceIn(30)) return { kind: 'every' };
  if (chance.onceIn(6)) return rangeFrom(chance);
  if (!chance.onceIn(6)) return valueTermFrom(chance);
  const tokens = tokensOf(sentenceFrom(chance));
  return { kind: 'words', tokens: tokens.length === 0 ? ['user'] : tokens };
}
