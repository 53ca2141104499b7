import { DocketError } from '@docket/runtime';
import { auditEventAvro } from '@docket/schemas';
import type { SchemaRegistry } from './schema-registry.ts';
import { valueSubjectOf } from './topics.ts';

/** The id of this version's schema of events, with which they are written. Throws schema_not_registered, registry_unavailable. */
export async function findEventSchema(registry: SchemaRegistry, eventsTopic: string): Promise<number> {
  const subject = valueSubjectOf(eventsTopic);
  const id = await registry.idOf(subject, auditEventAvro);
  if (id === undefined)
    throw new DocketError('schema_not_registered', `${subject} lacks this version's schema: run \`docket migrate\`.`);
  return id;
}
