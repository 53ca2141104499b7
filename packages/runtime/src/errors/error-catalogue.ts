/**
 * What an error code means, to machines and to people.
 * `audience` is who must act: the caller, the operator of this installation, or the makers of Docket.
 * `retry: 'later'` means that the same request may succeed unchanged.
 */
export interface ErrorEntry {
  readonly httpStatus: number;
  readonly retry: 'never' | 'later';
  readonly audience: 'caller' | 'operator' | 'bug';
  readonly title: string;
  readonly help: string;
}

const entry = (
  httpStatus: number,
  audience: ErrorEntry['audience'],
  retry: ErrorEntry['retry'],
  title: string,
  help: string,
): ErrorEntry => ({ httpStatus, retry, audience, title, help });

/** Every code that an answer, a log line or a failed start can carry. Codes are a contract: they are added, never renamed. */
export const errorCatalogue = {
  invalid_request: entry(
    400,
    'caller',
    'never',
    'The request is invalid',
    'Correct what `errors` names and send again.',
  ),
  invalid_json: entry(400, 'caller', 'never', 'The body is not JSON', 'Send one JSON document in UTF-8.'),
  invalid_cursor: entry(
    400,
    'caller',
    'never',
    'The cursor is invalid',
    'Use `next_cursor` of an earlier page with the same filters, or begin without a cursor.',
  ),
  tenant_required: entry(
    400,
    'caller',
    'never',
    'A tenant is required',
    'Name tenant_id: this credential is good for more than one tenant.',
  ),
  unauthenticated: entry(
    401,
    'caller',
    'never',
    'Authentication is required',
    'Send `Authorization: Bearer …` with a key, or a viewer token, that is neither expired nor revoked.',
  ),
  insufficient_scope: entry(
    403,
    'caller',
    'never',
    'The key lacks a scope',
    'Use a key that has the scope which `detail` names.',
  ),
  view_not_allowed: entry(
    403,
    'caller',
    'never',
    'The credential is for less than this',
    'Use a key, or a viewer token with the view which `detail` asks for.',
  ),
  tenant_not_allowed: entry(403, 'caller', 'never', 'The key is not good for this tenant', 'Use a key of that tenant.'),
  not_found: entry(404, 'caller', 'never', 'Not found', 'Check the path and the id.'),
  method_not_allowed: entry(
    405,
    'caller',
    'never',
    'The method is not allowed here',
    'Use one of the methods in the Allow header.',
  ),
  request_timeout: entry(
    408,
    'caller',
    'later',
    'The request took too long to arrive',
    'Send the whole request within the deadline.',
  ),
  conflict: entry(
    409,
    'caller',
    'never',
    'The object exists already',
    'Choose another id, or change the existing object.',
  ),
  precondition_failed: entry(
    412,
    'caller',
    'never',
    'It has changed meanwhile',
    'Get it again, look at what has changed, and repeat the change with its new ETag in If-Match.',
  ),
  limit_reached: entry(
    409,
    'caller',
    'never',
    'A limit on the number of objects is reached',
    'Remove what is not needed any more. The limits are constants (docs/operations.md).',
  ),
  cursor_expired: entry(410, 'caller', 'never', 'The cursor is older than the log', 'Begin at `first_seq`.'),
  body_too_large: entry(413, 'caller', 'never', 'The body is too large', 'Send fewer events at once.'),
  event_too_large: entry(
    413,
    'caller',
    'never',
    'The event is too large',
    'An event is at most 256 KiB; keep documents elsewhere and name them.',
  ),
  unsupported_media_type: entry(
    415,
    'caller',
    'never',
    'The content type or encoding is not supported',
    'Send application/json in UTF-8, plain or with Content-Encoding: gzip.',
  ),
  invalid_body: entry(422, 'caller', 'never', 'The body has invalid fields', 'Correct the fields that `errors` names.'),
  invalid_event: entry(
    422,
    'caller',
    'never',
    'An event is invalid',
    'Correct the fields that `errors` names; nothing of the request was published.',
  ),
  unknown_tenant: entry(
    422,
    'caller',
    'never',
    'The tenant is unknown',
    'Create the tenant first, or let the gateway accept new tenants with TENANTS_AUTOCREATE=true.',
  ),
  query_too_expensive: entry(
    422,
    'caller',
    'never',
    'The search reads too much',
    'Narrow the range with since and until, or add filters.',
  ),
  rate_limited: entry(429, 'caller', 'later', 'Too many requests', 'Send again after the time in Retry-After.'),
  headers_too_large: entry(431, 'caller', 'never', 'The headers are too large', 'Send at most 16 KiB of headers.'),
  internal: entry(
    500,
    'bug',
    'never',
    'Something is broken in Docket',
    'Report it with the request_id; the log line `http.failed` has the cause.',
  ),
  kafka_unavailable: entry(
    503,
    'operator',
    'later',
    'Kafka is not available',
    'Send again later with the same ids. Operator: check KAFKA_BROKERS and the brokers.',
  ),
  clickhouse_unavailable: entry(
    503,
    'operator',
    'later',
    'ClickHouse is not available',
    'Send again later. Operator: check CLICKHOUSE_URL and the server.',
  ),
  registry_unavailable: entry(
    503,
    'operator',
    'later',
    'The schema registry is not available',
    'Send again later. Operator: check SCHEMA_REGISTRY_URL and the registry.',
  ),
  upstream_unavailable: entry(
    503,
    'operator',
    'later',
    'A service behind the gateway is not available',
    'Send again later. Operator: check QUERY_URL, ADMIN_URL, DELIVERY_URL and these services.',
  ),
  not_caught_up: entry(
    503,
    'operator',
    'later',
    'The service does not know the directory yet',
    'Send again in a moment. Operator: if it lasts, check Kafka.',
  ),
  not_ready: entry(
    503,
    'operator',
    'later',
    'The service is starting or stopping',
    'Send again in a moment. Operator: /readyz names what is missing.',
  ),
  trail_unavailable: entry(
    503,
    'operator',
    'later',
    'The reading cannot be kept in the access trail',
    'Send again later. Operator: the spool (TRAIL_SPOOL_DIR) is full or its disk fails; check Kafka, which empties it.',
  ),
  overloaded: entry(
    503,
    'operator',
    'later',
    'The service is at its limit',
    'Send again after the time in Retry-After. Operator: add instances, or raise the limit.',
  ),
  topic_misconfigured: entry(
    503,
    'operator',
    'later',
    'A Kafka topic is missing or configured wrongly',
    'Run `docket migrate`, or set the topic as the message says.',
  ),
  schema_not_registered: entry(503, 'operator', 'later', 'The event schema is not registered', 'Run `docket migrate`.'),
  schema_outdated: entry(503, 'operator', 'later', 'The ClickHouse tables are missing or old', 'Run `docket migrate`.'),
  tenant_lock_missing: entry(
    503,
    'operator',
    'later',
    'ClickHouse does not hold the query service to one tenant',
    'Install deploy/clickhouse at ClickHouse, and let the query service connect as CLICKHOUSE_QUERY_USER.',
  ),
  writer_fenced: entry(
    503,
    'operator',
    'later',
    'Another admin has taken over',
    'Run one admin: the last one started is active, this one stops.',
  ),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;
