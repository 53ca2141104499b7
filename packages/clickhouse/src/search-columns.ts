import {
  isMetadataField,
  isResourceField,
  metadataKeyOf,
  type ResourceField,
  type ScalarField,
  type ValueField,
} from '@docket/event';
import type { Binder } from './statement-binder.ts';

export const scalarColumns: Readonly<Record<ScalarField, string>> = {
  action: 'action',
  actor_id: 'actor_id',
  actor_type: 'actor_type',
  on_behalf_of_id: 'on_behalf_of_id',
  on_behalf_of_type: 'on_behalf_of_type',
  category: 'category',
  operation: 'operation',
  outcome: 'outcome',
  severity: 'severity',
  service: 'source_service',
  session_id: 'session_id',
  request_id: 'request_id',
  trace_id: 'trace_id',
  status: 'status',
};

export const resourceColumns: Readonly<Record<ResourceField, string>> = {
  resource: 'resource_keys',
  resource_type: 'resources.type',
  resource_id: 'resources.id',
};

/**
 * The value of a field in a row as text, empty where it is absent. A field with a value for each resource makes a row of
 * each different one, so it stands in SELECT only.
 */
export function fieldValueSql(field: ValueField, binder: Binder): string {
  if (isMetadataField(field)) return `metadata[${binder.bind('String', metadataKeyOf(field))}]`;
  if (field === 'ip') return 'ip';
  if (isResourceField(field)) return `arrayJoin(arrayDistinct(${resourceColumns[field]}))`;
  return `toString(${scalarColumns[field]})`;
}
