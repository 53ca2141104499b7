/** What happens in a log, by how often in a hundred events. */
const actions: readonly (readonly [action: string, category: string, operation: string, perHundred: number])[] = [
  ['document.read', 'data', 'read', 26],
  ['document.updated', 'data', 'update', 17],
  ['user.login', 'authentication', 'other', 14],
  ['user.logout', 'authentication', 'other', 7],
  ['document.shared', 'access', 'update', 6],
  ['document.created', 'data', 'create', 6],
  ['search.run', 'data', 'read', 5],
  ['invoice.viewed', 'data', 'read', 4],
  ['document.deleted', 'data', 'delete', 3],
  ['invoice.paid', 'entity', 'update', 2],
  ['user.role.updated', 'access', 'update', 2],
  ['user.invited', 'account', 'create', 2],
  ['api_key.created', 'access', 'create', 1],
  ['api_key.revoked', 'access', 'delete', 1],
  ['user.created', 'account', 'create', 1],
  ['user.deleted', 'account', 'delete', 1],
  ['settings.changed', 'configuration', 'update', 1],
  ['report.exported', 'data', 'read', 1],
];
const hundred = actions.flatMap(([action, category, operation, perHundred]) =>
  Array.from({ length: perHundred }, () => [action, category, operation] as const),
);
const firstNames = 'Ada,Ben,Chloe,Dmitri,Elena,Farid,Grace,Hiro,Ines,Jonas,Kaya,Liam,Mira,Noah,Olga,Priya'.split(',');
const lastNames =
  'Abe,Brandt,Costa,Dubois,Eriksen,Fischer,Garcia,Haddad,Ito,Jansen,Kovacs,Larsen,Moreau,Novak,Okafor,Patel,Rossi,Silva,Tanaka,Weber'.split(
    ',',
  );
const adjectives =
  'annual,draft,final,internal,joint,legal,monthly,new,old,open,public,quarterly,revised,secret,signed,weekly'.split(
    ',',
  );
const nouns =
  'agreement,budget,contract,forecast,handbook,invoice,ledger,minutes,offer,plan,policy,proposal,report,roadmap,schedule,statement'.split(
    ',',
  );
const syllables = 'ba,co,du,fe,gi,ho,ju,ka,lo,mi,nu,pe,qui,ra,so,ti,va,we,xo,zu'.split(',');
const agents = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'acme-sync/3.2 (+https://acme.example)',
];

const list = (values: readonly string[]): string => `[${values.map((value) => `'${value}'`).join(',')}]`;
const pick = (values: readonly string[], hash: string): string => `${list(values)}[1 + ${hash} % ${values.length}]`;

/** A word that a log of millions of rows holds some thousand times: 8,000 of them. */
export function wordOf(number: number): string {
  const at = (n: number): string => syllables[n % syllables.length] ?? '';
  return `${at(number)}${at(Math.floor(number / 20))}${at(Math.floor(number / 400))}`;
}
const word = (hash: string): string =>
  `concat(${pick(syllables, hash)}, ${pick(syllables, `intDiv(${hash}, 20)`)}, ${pick(syllables, `intDiv(${hash}, 400)`)})`;

/** Days that the log covers, up to the end that the statement is given. */
export const logDays = 60;

/**
 * Fills audit_events with one slice of bench_runs. Every value but the id is a function of tenant and seq. Skewed: few actors, documents
 * and actions make most of the events; one login in twelve fails; a tenth of the rows name two resources.
 */
export const insertSliceSql = `INSERT INTO audit_events (
  tenant_id, seq, id, status, occurred_at, received_at, action, category, operation, outcome, outcome_reason, severity,
  actor_type, actor_id, actor_name, actor_metadata, on_behalf_of_type, on_behalf_of_id, on_behalf_of_name,
  resources.type, resources.id, resources.name, resources.metadata, changes.path, changes.old, changes.new, description,
  ip, user_agent, country, session_id, request_id, trace_id, source_service, source_version, source_instance,
  ingest_key_id, ingest_from, metadata, schema_id, content_hash, src_generation, src_partition, src_offset)
WITH
  cityHash64(tenant_number, seq) AS h, intHash64(h + 1) AS h1, intHash64(h + 2) AS h2, intHash64(h + 3) AS h3, intHash64(h + 4) AS h4,
  toUInt32(actors * pow((h1 % 1000000) / 1000000, 2.2)) AS actor,
  toUInt32(actors * 20 * pow((h2 % 1000000) / 1000000, 1.8)) AS document,
  1 + h3 % 100 AS kind,
  fromUnixTimestamp64Micro(toInt64({end:Int64} - ${logDays} * 86400000000 + (seq - 1) / tenant_rows * ${logDays} * 86400000000 + h4 % 1000000), 'UTC') AS at,
  concat(${pick(firstNames, 'actor')}, ' ', ${pick(lastNames, 'intDiv(actor, 16)')}) AS who,
  concat(${pick(adjectives, 'document')}, ' ', ${pick(nouns, 'intDiv(document, 16)')}, ' ', toString(document)) AS what,
  if(h4 % 10 = 0, 2, 1) AS resource_count
SELECT
  tenant_id, seq, dateTimeToUUIDv7(toDateTime(at, 'UTC')), 'accepted', at, toDateTime64(at, 3, 'UTC') + toIntervalMillisecond(200),
  ${list(hundred.map(([action]) => action))}[kind] AS event_action,
  ${list(hundred.map(([, category]) => category))}[kind],
  ${list(hundred.map(([, , operation]) => operation))}[kind],
  multiIf(event_action = 'user.login' AND h2 % 12 = 0, 'failure', h2 % 100 = 7, 'denied', h2 % 100 = 8, 'failure', 'success') AS event_outcome,
  if(event_outcome = 'success', '', 'not permitted'),
  multiIf(h1 % 1000 = 0, 'critical', h1 % 100 = 1, 'high', h1 % 100 < 5, 'medium', h1 % 100 < 12, 'low', 'info'),
  multiIf(actor % 20 = 0, 'api_key', 'user'), concat('u_', toString(actor)), who, map('department', ${pick(['engineering', 'finance', 'legal', 'sales'], 'actor')}),
  if(h % 33 = 0, 'user', ''), if(h % 33 = 0, concat('u_', toString(intDiv(actor, 2))), ''), '',
  arrayResize([${pick(['document', 'project', 'folder'], 'document')}], resource_count, 'folder'),
  arrayResize([concat('d_', toString(document))], resource_count, concat('f_', toString(intDiv(document, 50)))),
  arrayResize([what], resource_count, 'shared folder'), arrayResize([map()], resource_count, map()),
  if(h2 % 3 = 0, ['permissions'], []), if(h2 % 3 = 0, ['["read"]'], []), if(h2 % 3 = 0, ['["read","write"]'], []),
  concat(who, ' worked on the ', what, ' for ', ${word('h3')}, ' ', ${word('h4')}),
  if(h1 % 20 = 0, concat('2001:db8::', lower(hex(toUInt16(actor)))), concat('203.0.', toString(actor % 256), '.', toString(h4 % 256))),
  ${pick(agents, 'actor')}, ${pick(['DE', 'FR', 'US', 'BR', 'JP', 'NL', 'IN', 'SE'], 'actor')},
  concat('s_', lower(hex(cityHash64(tenant_number, actor, toDate(at))))), concat('req_', lower(hex(h))), lower(concat(hex(h1), hex(h2))),
  ${pick(['documents', 'billing', 'identity', 'search', 'api'], 'h1')}, '1.4.2', concat('pod-', toString(h1 % 20)),
  'k_bench', '10.0.0.7',
  map('plan', ${pick(['free', 'pro', 'enterprise'], 'tenant_number')}, 'region', ${pick(['eu-1', 'eu-2', 'us-1'], 'h2')}, 'campaign', concat('c_', toString(h3 % 2000))),
  1, h, 0, src_partition, src_offset
FROM (
  SELECT *, seq_from + i AS seq, offset_from + i AS src_offset
  FROM (SELECT *, arrayJoin(range(run_rows)) AS i FROM bench_runs WHERE slice = {slice:UInt16})
)`;
