export {
  amendAuditContext,
  type AuditContext,
  currentAuditContext,
  onBehalfOf,
  withAuditContext,
} from './audit-context.ts';
export { createDocket, type Docket, type DocketStats, type RecordOutcome } from './docket.ts';
export type { FlushOutcome } from './progress.ts';
export type { Actor, Change, EventContext, EventInput, Metadata, Principal, Resource, Source } from './event-input.ts';
export type { DocketOptions, Failure, FailureReason } from './options.ts';
