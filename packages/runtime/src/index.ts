export { healthOf } from './app.ts';
export type { App, AppPorts, Health, HealthCheck } from './app.ts';
export { createBudget } from './budget.ts';
export type { Budget, BudgetRefusal, Lease } from './budget.ts';
export { DocketError } from './errors/docket-error.ts';
export type { DocketErrorOptions, ErrorItem } from './errors/docket-error.ts';
export { errorCatalogue } from './errors/error-catalogue.ts';
export type { ErrorCode, ErrorEntry } from './errors/error-catalogue.ts';
export { problemFromError, problemMediaType } from './errors/problem-mapper.ts';
export type { ProblemAnswer, ProblemDocument } from './errors/problem-mapper.ts';
export { problemSchema, type ProblemExtensions } from './errors/problem-schema.ts';
export { createFairQueue, type FairQueue } from './fair-queue.ts';
export { createApiRouter, type ApiRouter, type DirectHandler } from './http/api-router.ts';
export { createCors, type Cors } from './http/cors.ts';
export { readBody } from './http/body-reader.ts';
export type { BodyLimits } from './http/body-reader.ts';
export {
  closedObject,
  defineEndpoint,
  integerParameter,
  jsonAnswer,
  headerParameter,
  pathParameter,
  queryParameter,
  type DeclaredAnswer,
  type Endpoint,
  type IntegerParameter,
  type Parameter,
} from './http/endpoint.ts';
export type { HttpServer } from './http/http-server.ts';
export { jsonBody, readJsonBody, requireJsonType } from './http/json-body.ts';
export { jsonDepthMax, jsonMembersMax, jsonValuesMax, parseJson } from './http/json-text.ts';
export { invalidField, parseBody } from './http/parse-body.ts';
export { probeEndpoints } from './http/probe-endpoints.ts';
export { answerProblem } from './http/problem-answer.ts';
export { receivedFrom } from './http/received-from-policy.ts';
export { clientGone, elapsedSeconds, noteForLog, requestIdOf, setRouteLabel } from './http/request-context.ts';
export { readinessOf, serveHttp } from './http/serve-http.ts';
export type { ServeHttpOptions } from './http/serve-http.ts';
export { countedFromZero } from './counted-from-zero.ts';
export { createLogger } from './logger.ts';
export type { Logger } from './logger.ts';
export { runService } from './run-service.ts';
export type { ProcessHost, Service } from './run-service.ts';
export { addDocumentRoutes } from './openapi/document-routes.ts';
export { openApiDocument, type ApiDescription, type OpenApiDocument } from './openapi/openapi-mapper.ts';
export { setting } from './settings/declare-setting.ts';
export type { ParsedSetting, SettingDeclaration } from './settings/declare-setting.ts';
export { describeSettings } from './settings/describe-settings.ts';
export type { SettingRow } from './settings/describe-settings.ts';
export { readSettings, SettingsError } from './settings/read-settings.ts';
export type { SettingDeclarations, SettingProblem, SettingsOf } from './settings/read-settings.ts';
export {
  httpSettings,
  httpSettingsWithPort,
  logSettings,
  trustedProxySettings,
  viewerOriginSettings,
} from './settings/service-settings.ts';
export type { LogLevel } from './settings/service-settings.ts';
export type { Registry } from 'prom-client';
export { createStartCheck } from './start-check.ts';
export type { StartCheck } from './start-check.ts';
