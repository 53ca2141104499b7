import { isIP } from 'node:net';

import type { SentEvent } from '../batches/batch-encoding.ts';
import type { EventFormat } from './event-format.ts';
import { activityOf, ocsfClassOf, otherActivity } from './ocsf-class-policy.ts';
import type { OcsfClass } from './ocsf-class-policy.ts';

/** Pinned: another version of the schema is another format for whoever reads it. */
export const ocsfVersion = '1.4.0';

type Principal = SentEvent['actor'];
type Members = Readonly<Record<string, unknown>>;

/**
 * An event in OCSF 1.4.0. What the class defines is where the class has it; `unmapped` holds only the rest, so nothing of an event is lost. `seq` is
 * metadata.sequence, and `prev_seq`, of which OCSF knows nothing, unmapped.prev_seq. Members that are undefined are left out of JSON.
 */
export const ocsfFormat: EventFormat = (event) => {
  const ocsfClass = ocsfClassOf(event);
  const activityId = activityOf(ocsfClass, event);
  const activityName = ocsfClass.activities[activityId];
  return {
    category_uid: ocsfClass.categoryUid,
    category_name: ocsfClass.categoryName,
    class_uid: ocsfClass.uid,
    class_name: ocsfClass.name,
    activity_id: activityId,
    activity_name: activityName ?? event.action,
    type_uid: ocsfClass.uid * 100 + activityId,
    type_name: `${ocsfClass.name}: ${activityName ?? 'Other'}`,
    time: Date.parse(event.occurred_at),
    ...severityOf(event),
    ...statusOf(event),
    message: event.description,
    metadata: metadataOf(event),
    actor: actorOf(event, ocsfClass),
    http_request: httpRequestOf(event),
    ...membersOfClass(event, ocsfClass),
    unmapped: unmappedOf(event, ocsfClass, activityId),
  };
};

const severities: Readonly<Record<string, readonly [number, string]>> = {
  info: [1, 'Informational'],
  low: [2, 'Low'],
  medium: [3, 'Medium'],
  high: [4, 'High'],
  critical: [5, 'Critical'],
};

function severityOf({ severity = 'info' }: SentEvent): Members {
  const [id, caption] = severities[severity] ?? [0, 'Unknown'];
  return { severity_id: id, severity: caption };
}

/** A denial is a failure; `status_code` tells it from others. */
const outcomes: Readonly<Record<string, readonly [number, string]>> = {
  success: [1, 'Success'],
  failure: [2, 'Failure'],
  denied: [2, 'Failure'],
};

function statusOf({ outcome = 'success', outcome_reason: reason }: SentEvent): Members {
  const [id, caption] = outcomes[outcome] ?? [0, 'Unknown'];
  return { status_id: id, status: caption, status_code: outcome, status_detail: reason };
}

function metadataOf(event: SentEvent): Members {
  return {
    version: ocsfVersion,
    product: { name: 'Docket', vendor_name: 'Docket' },
    uid: event.id,
    tenant_uid: event.tenant_id,
    sequence: event.seq,
    event_code: event.action,
    log_name: 'audit',
    log_provider: event.source?.service,
    logged_time: Date.parse(event.received_at),
    original_time: event.occurred_at,
    correlation_uid: event.context?.trace_id,
    tags: tagsOf(event.metadata),
  };
}

function tagsOf(metadata: SentEvent['metadata']): readonly Members[] | undefined {
  if (metadata === undefined) return undefined;
  return Object.entries(metadata).map(([name, value]) => ({ name, value: String(value) }));
}

function actorOf(event: SentEvent, { uid }: OcsfClass): Members {
  // Authentication has a session of its own.
  return { user: userOf(event.actor), session: uid === 3002 ? undefined : sessionOf(event) };
}

function sessionOf({ context }: SentEvent): Members | undefined {
  return context?.session_id === undefined ? undefined : { uid: context.session_id };
}

const userTypes: Readonly<Record<string, number>> = { user: 1, admin: 2, system: 3, service: 3 };

function userOf({ type, id, name }: Principal): Members {
  return { uid: id, name, type, type_id: userTypes[type] ?? 99 };
}

function httpRequestOf({ context = {} }: SentEvent): Members | undefined {
  const { user_agent: userAgent, request_id: uid } = context;
  return userAgent === undefined && uid === undefined ? undefined : { user_agent: userAgent, uid };
}

/** What is no IP address, such as one that a mask has replaced, is a name. */
function sourceOf({ context = {} }: SentEvent): Members | undefined {
  const { ip, country } = context;
  if (ip === undefined && country === undefined) return undefined;
  const isAddress = ip !== undefined && isIP(ip) !== 0;
  return {
    ...(isAddress ? { ip } : { name: ip ?? 'unknown' }),
    location: country === undefined ? undefined : { country },
  };
}

/** The service that recorded the event. */
function serviceOf({ source = {} }: SentEvent): Members {
  return { name: source.service ?? 'unknown', version: source.version };
}

function membersOfClass(event: SentEvent, { uid }: OcsfClass): Members {
  const source = sourceOf(event);
  const { resources = [] } = event;
  switch (uid) {
    case 3001:
      return { user: userOf(accountOf(event)), src_endpoint: source };
    case 3002:
      return { user: userOf(event.actor), session: sessionOf(event), service: serviceOf(event), src_endpoint: source };
    case 3004:
      return { ...entitiesOf(event), src_endpoint: source };
    case 6003:
      return {
        api: { operation: event.action, service: serviceOf(event), request: requestOf(event) },
        resources: resources.length === 0 ? undefined : resources.map(resourceOf),
        src_endpoint: source ?? { name: 'unknown' },
      };
  }
}

const requestOf = ({ context = {} }: SentEvent): Members | undefined =>
  context.request_id === undefined ? undefined : { uid: context.request_id };

const resourceOf = ({ type, id, name, metadata }: Principal): Members => ({
  uid: id,
  name,
  type,
  tags: tagsOf(metadata),
});

const accountTypes = new Set(['user', 'account', 'member', 'service_account', 'api_key']);

/** Whose account it is: the first that is acted upon, or the actor's own. */
function accountOf({ resources = [], actor }: SentEvent): Principal {
  return resources.find(({ type }) => accountTypes.has(type)) ?? resources[0] ?? actor;
}

/** The entity as it was and as it is now, as far as the changes tell. */
function entitiesOf(event: SentEvent): Members {
  const [first] = event.resources ?? [];
  if (first === undefined) return {};
  const entity = { uid: first.id, name: first.name, type: first.type };
  if (!areChangesOfEntity(event)) return { entity };
  const [before, after] = [valuesOf(event, 'old'), valuesOf(event, 'new')];
  return { entity: { ...entity, data: before }, entity_result: { ...entity, data: after } };
}

/** As JSON text: a field of an index has one type, and these values are of any. */
function valuesOf({ changes = [] }: SentEvent, side: 'old' | 'new'): string | undefined {
  const values = changes.flatMap((change) => (side in change ? [[change.path, change[side]] as const] : []));
  return values.length === 0 ? undefined : JSON.stringify(Object.fromEntries(values));
}

/** A path that changed twice has no one value. */
function areChangesOfEntity({ changes = [] }: SentEvent): boolean {
  return changes.length > 0 && new Set(changes.map(({ path }) => path)).size === changes.length;
}

/** The resource that the class has a place for, beside its metadata. */
function mappedResource(event: SentEvent, { uid }: OcsfClass): Principal | undefined {
  if (uid === 3001) return (event.resources ?? []).find((resource) => resource === accountOf(event));
  return uid === 3004 ? event.resources?.[0] : undefined;
}

/** What the class has no place for. */
function unmappedOf(event: SentEvent, ocsfClass: OcsfClass, activityId: number): Members {
  const { uid } = ocsfClass;
  const mapped = mappedResource(event, ocsfClass);
  const others = uid === 6003 ? [] : (event.resources ?? []).filter((resource) => resource !== mapped);
  const areChangesMapped = uid === 3004 && areChangesOfEntity(event);
  const { version, instance, counter } = event.source ?? {};
  const source = { version: uid === 3001 || uid === 3004 ? version : undefined, instance, counter };
  return {
    prev_seq: event.prev_seq,
    replay: event.replay,
    category: event.category,
    operation: activityId === otherActivity ? event.operation : undefined,
    record_status: event.status,
    actor_metadata: event.actor.metadata,
    on_behalf_of: event.on_behalf_of,
    resource_metadata: mapped?.metadata,
    other_resources: others.length === 0 ? undefined : others,
    changes: areChangesMapped ? undefined : changesOf(event),
    source: Object.values(source).every((value) => value === undefined) ? undefined : source,
  };
}

function changesOf({ changes }: SentEvent): readonly Members[] | undefined {
  return changes?.map((change) => ({
    path: change.path,
    old: 'old' in change ? JSON.stringify(change.old) : undefined,
    new: 'new' in change ? JSON.stringify(change.new) : undefined,
  }));
}
