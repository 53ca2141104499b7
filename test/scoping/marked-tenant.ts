import { newEventId } from '@docket/event';

/** What no answer may hold unless it is allowed to show it: texts that stand nowhere else. */
export type Marks = readonly string[];

export interface MarkedEvent {
  readonly id: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly marks: Marks;
  /** The part that the view `user` hides of the actions of others. */
  readonly whereabouts: Marks;
}

/** One tenant, every field of whose data holds a mark of its own, but for ids that the tenants share on purpose. */
export interface MarkedTenant {
  readonly id: string;
  /** The beginning of every mark: `mkl-`. */
  readonly prefix: string;
  /** What jane did herself. */
  readonly jane: MarkedEvent;
  /** Done by another actor with jane's id: an API key. */
  readonly robot: MarkedEvent;
  /** Done by bob to jane's document. */
  readonly onDocument: MarkedEvent;
  /** Done by bob, and nothing to do with jane. */
  readonly elsewhere: MarkedEvent;
  readonly events: readonly MarkedEvent[];
}

export const janesDocument = { type: 'document', id: 'shared-document' };
export const jane = { type: 'user', id: 'jane' };
export const robot = { type: 'api_key', id: 'jane' };
export const bob = { type: 'user', id: 'bob' };

/** @param place 0..9: makes addresses, countries and counters its own. */
export function markTenant(id: string, place: number): MarkedTenant {
  const prefix = `mk${id.charAt(0)}-`;
  const mark = (label: string, index: number, actor: object, resources: readonly object[]) =>
    markEvent({ id, prefix, label, number: place * 10 + index, actor, resources });
  const document = { ...janesDocument, name: `${prefix}document-name`, metadata: { about: `${prefix}document-about` } };
  const other = (label: string) => ({
    type: `${prefix}${label}-type`,
    id: `${prefix}${label}-id`,
    name: `${prefix}${label}-name`,
  });
  const events = {
    jane: mark('jane', 1, jane, [other('jane')]),
    robot: mark('robot', 2, robot, [other('robot')]),
    onDocument: mark('document', 3, bob, [document]),
    elsewhere: mark('elsewhere', 4, bob, [other('elsewhere')]),
  }; // prettier-ignore
  return { id, prefix, ...events, events: Object.values(events) };
}

interface Marking {
  readonly id: string;
  readonly prefix: string;
  readonly label: string;
  readonly number: number;
  readonly actor: object;
  readonly resources: readonly object[];
}

function markEvent({ id: tenantId, prefix, label, number, actor, resources }: Marking): MarkedEvent {
  const id = newEventId();
  const of = (field: string): string => `${prefix}${label}-${field}`;
  const country = `Q${String.fromCharCode(65 + (number % 26))}`;
  const ip = `198.51.100.${100 + number}`;
  const counter = 7_130_000 + number;
  const input = {
    id,
    tenant_id: tenantId,
    action: of('action'),
    outcome_reason: of('reason'),
    actor: { ...actor, name: of('actor-name'), metadata: { team: of('actor-team') } },
    on_behalf_of: { type: of('behalf-type'), id: of('behalf-id'), name: of('behalf-name') },
    resources,
    changes: [{ path: of('path'), old: of('old'), new: of('new') }],
    description: of('description'),
    context: {
      ip,
      user_agent: of('agent'),
      country,
      session_id: of('session'),
      request_id: of('request'),
      trace_id: of('trace'),
    },
    source: { service: of('service'), version: of('version'), instance: of('instance'), counter },
    metadata: { note: of('note') },
  };
  const whereabouts = [ip, of('agent'), of('session'), `"${country}"`, String(counter)];
  return { id, input, marks: [of(''), id, ...whereabouts], whereabouts };
}

/** All marks of a tenant, also those of what is no event: its name, keys, subscriptions. */
export function marksOf({ prefix, events }: MarkedTenant): Marks {
  return [prefix, ...events.flatMap(({ marks }) => marks)];
}

/** The marks in an answer that its request did not name itself. */
export function marksIn(answer: string, marks: Marks, request: string): string[] {
  const [text, asked] = [answer.toLowerCase(), request.toLowerCase()];
  return marks.filter((mark) => text.includes(mark.toLowerCase()) && !asked.includes(mark.toLowerCase()));
}
