export { hashKeySecret, isSameSecret, newApiKey, parseApiKey, type KeyText } from './api-key.ts';
export {
  authenticate,
  bearerToken,
  chooseTenant,
  isSecretTaken,
  mayActOn,
  permitScope,
  viewOf,
  type Authentication,
  type Credential,
  type KeyView,
  type Permission,
  type Refusal,
  type TenantChoice,
} from './authentication-policy.ts';
export { changeOfRecord, recordOfEntity, type DirectoryChange } from './directory-record-mapper.ts';
export { createDirectoryState, type DirectoryReader, type DirectoryState } from './directory-state.ts';
export { createDirectoryView, type DirectoryView } from './directory-view.ts';
export {
  customHeaderProblem,
  customHeadersMax,
  openHeaders,
  sealHeaders,
  type CustomHeaders,
  type SealedHeaders,
} from './custom-headers.ts';
export {
  createDirectoryWriter,
  type Decide,
  type Decided,
  type Decision,
  type DirectoryWriter,
  type EntityChange,
} from './directory-writer.ts';
export {
  elasticAuths,
  eventFormats,
  scopes,
  webhookLayouts,
  type ApiKey,
  type DatadogSink,
  type ElasticBulkSink,
  type Entity,
  type EntityKind,
  type Scope,
  type SealedSecret,
  type Sink,
  type SinkType,
  type SplunkHecSink,
  type Subscription,
  type SubscriptionBatch,
  type Tenant,
  type WebhookLayout,
  type WebhookSink,
} from './entities.ts';
export { createKeyUses, type KeyUses } from './key-uses.ts';
export { maskableFields, maskActions, maskPath, maskRulesMax, type MaskAction, type MaskRule } from './mask-fields.ts';
export { masterKeySettings, readMasterKey, type MasterKey } from './master-key.ts';
export { openSecret, sealSecret, type Opened } from './sealed-secret.ts';
export { newWebhookSecret, webhookSecretBytes } from './webhook-secret.ts';
export { isCount, parseObject } from './stored-json.ts';
export { hostsAllowedTo, isAllowedHost, sinkSettings } from './sink-settings.ts';
export {
  isAskedFor,
  mergedParked,
  parkedBytes,
  parkedKey,
  parkedMax,
  parseParked,
  parseParkedKey,
  type ParkedEvent,
} from './parked-mapper.ts';
export { comparePlaces, parseCursorPlace } from './cursor-place.ts';
export type { CursorPlace } from './cursor-place.ts';
