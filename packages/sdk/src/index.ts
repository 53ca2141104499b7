export { type ActionCatalogue, type ActionDeclaration, defineActions, type EventOf } from './actions.ts';
export {
  amendAuditContext,
  type AuditContext,
  currentAuditContext,
  onBehalfOf,
  withAuditContext,
} from './audit-context.ts';
export { diff, type DiffOptions } from './diff.ts';
export { createDocket, type Docket, type DocketStats, type RecordOutcome } from './docket.ts';
export { type Failure, type FailureReason, RecordError } from './failure.ts';
export type { FlushOutcome } from './progress.ts';
export type {
  Actor,
  Change,
  EventContext,
  EventInput,
  Metadata,
  MetadataValue,
  Principal,
  Resource,
  Source,
} from './event-input.ts';
export type { DocketOptions, SpoolFolderOptions } from './options.ts';
export { redactKeys } from './redact.ts';
export type { Kept } from './spool/entry.ts';
export type { PutAside, Sent, Transport } from './transport.ts';
