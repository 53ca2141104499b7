import { encodeEvent, frameAvro, newEventId, parseEvent, partitionOf, type LogRecord } from '@docket/event';

export const partitions = 4;
/** 2026-11-23T09:00:00Z. */
const startMs = Date.UTC(2026, 10, 23, 9);
const tenants = Array.from({ length: 800 }, (_, n) => `tenant-${n}`).filter(
  (name) => partitionOf(name, partitions) === 0,
);
const actions = ['user.role.updated', 'document.viewed', 'user.login', 'api_key.created'] as const;
const people = ['Jane Doe', 'Sam O’Hara', 'Zoë Müller', 'Alex Kim'] as const;

/** Records of one partition as a SaaS company's services make them: 200 tenants with skew, about 430 bytes each. */
export function realisticRecords(count: number): LogRecord[] {
  return Array.from({ length: count }, (_, n) => recordOf(n));
}

/** Spreads n over 0 to 1, always alike. */
const spread = (n: number, salt: number): number => ((n * 0.618_033_988_7 + salt * 0.414_213_562_4) * 7) % 1;

function recordOf(n: number): LogRecord {
  const tenantId = tenants[Math.floor(spread(n, 1) ** 3 * tenants.length)] ?? 'tenant-0';
  const input = {
    id: newEventId(),
    tenant_id: tenantId,
    occurred_at: new Date(startMs + n).toISOString(),
    action: actions[n % 4],
    category: 'access',
    operation: 'update',
    outcome: 'success',
    actor: { type: 'user', id: `u_${Math.floor(spread(n, 2) * 5000)}`, name: people[n % 4], metadata: { team: 'IT' } },
    resources: [{ type: 'role', id: `r_${Math.floor(spread(n, 3) * 999)}`, name: 'Admin' }],
    ...(n % 5 < 2 ? { changes: [{ path: 'permissions', old: ['read'], new: ['read', 'write'] }] } : {}),
    description: 'Jane gave the role write access to the project',
    context: {
      ip: `203.0.113.${n % 250}`,
      user_agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36',
      country: 'DE',
      session_id: `s_${Math.floor(spread(n, 4) * 1e9)}`,
      request_id: `req_${Math.floor(spread(n, 5) * 1e12)}`,
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    },
    source: { service: 'billing', version: '1.4.2', instance: 'pod-7', counter: n + 1 },
    metadata: { plan: 'pro', seats: 5, trial: false },
  };
  const parsed = parseEvent(input, startMs + n, '');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  const ingest = { key_id: 'key1234', received_from: '192.0.2.1' };
  const value = frameAvro(1, encodeEvent({ ...parsed.event, ingest }));
  return { partition: 0, offset: n, timestampMs: startMs + n, key: Buffer.from(tenantId), value, headers: {} };
}

/** The id's last digits lie here in a framed record of ours: behind the prefix, its length and 24 characters. */
const idTailAt = 5 + 1 + 24;

/** The same records with new ids, in fresh memory that was just written, as those of a fetch are. */
export function refreshed(records: readonly LogRecord[], round: number): LogRecord[] {
  const fetch = Buffer.concat(records.map(({ value }) => value ?? Buffer.alloc(0)));
  let at = 0;
  return records.map((record, n) => {
    const value = fetch.subarray(at, at + (record.value?.length ?? 0));
    value.write((round * records.length + n).toString(16).padStart(12, '0'), idTailAt, 'latin1');
    at += value.length;
    return { ...record, value, key: Buffer.from(record.key ?? '') };
  });
}
