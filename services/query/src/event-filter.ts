import type { EventStatus } from '@docket/event';

/** Columns of audit_events that a filter compares as a whole. */
export type ExactColumn =
  | 'actor_id'
  | 'actor_type'
  | 'on_behalf_of_id'
  | 'category'
  | 'outcome'
  | 'operation'
  | 'severity'
  | 'source_service'
  | 'session_id'
  | 'request_id'
  | 'trace_id';

/** Addresses as IPv6 text, IPv4 mapped (::ffff:a.b.c.d); both ends included. */
export interface IpRange {
  readonly from: string;
  readonly to: string;
}

/** One condition: an event meets it when any of its values fits. */
export type Condition =
  | { readonly kind: 'exact'; readonly column: ExactColumn; readonly values: readonly string[] }
  | { readonly kind: 'action'; readonly names: readonly string[]; readonly prefixes: readonly string[] }
  /** `type:id` of any resource. */
  | { readonly kind: 'resource'; readonly keys: readonly string[] }
  | { readonly kind: 'resource_type' | 'resource_id'; readonly values: readonly string[] }
  /** `key=value`, all of one key. */
  | { readonly kind: 'metadata'; readonly items: readonly string[] }
  | { readonly kind: 'ip'; readonly ranges: readonly IpRange[] };

/** What to look for within one tenant's log: all conditions must be met. */
export interface EventFilter {
  readonly statuses: readonly EventStatus[];
  /** occurred_at in µs since the epoch: from `since` on, before `until`. */
  readonly since: number | null;
  readonly until: number | null;
  readonly conditions: readonly Condition[];
}
