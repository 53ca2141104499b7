import { type Static, Type, type TSchema } from '@sinclair/typebox';

export const categories = ['authentication', 'account', 'access', 'entity', 'data', 'configuration', 'other'] as const;
export const operations = ['create', 'read', 'update', 'delete', 'other'] as const;
export const outcomes = ['success', 'failure', 'denied', 'unknown'] as const;
export const severities = ['info', 'low', 'medium', 'high', 'critical'] as const;

/** An encoded event (Avro body) is at most this long. */
export const eventBytesMax = 256 * 1024;
/** An event may claim to have occurred at most this long after its arrival: clocks differ, not by more than a day. */
export const aheadOfArrivalMsMax = 24 * 60 * 60 * 1000;
/** The same where events are taken in, by another clock than the broker's: what is accepted there stays valid while that is 5 minutes behind. */
export const aheadOfOwnClockMsMax = aheadOfArrivalMsMax - 5 * 60 * 1000;

export const tenantIdPattern = '^[A-Za-z0-9._:-]{1,128}$';
/** Of actors and resources. */
export const typePattern = '^[A-Za-z0-9_.-]{1,64}$';
export const metadataKeyPattern = '^[A-Za-z0-9_.-]{1,64}$';
export const metadataValueBytesMax = 2 * 1024;
export const changeValueBytesMax = 8 * 1024;
/** A change's value may nest this deep; deeper ones are an attack on parsers, not a value. */
export const changeDepthMax = 32;

/** The greatest integer that avsc writes as a long. */
export const avroLongMax = Number.MAX_SAFE_INTEGER - 1;

const chars = (min: number, max: number, description: string) =>
  Type.String({ minLength: min, maxLength: max, description });
const bytes = (max: number, description: string) =>
  Type.String({ maxLength: max, 'x-bytesMax': max, description: `${description} At most ${max} bytes of UTF-8.` });
const matching = (pattern: string, description: string) => Type.String({ pattern, description });
const oneOf = <const V extends readonly string[]>(values: V, description: string) =>
  Type.Unsafe<V[number]>({ type: 'string', enum: [...values], description });
const closed = <P extends Record<string, TSchema>>(properties: P, description: string) =>
  Type.Object(properties, { additionalProperties: false, description });

const metadata = (description: string) =>
  Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]), {
    maxProperties: 64,
    propertyNames: { pattern: metadataKeyPattern },
    'x-metadata': true,
    description: `${description} Scalars become their JSON text, strings stay as they are, null drops the key; a value has at most ${metadataValueBytesMax} bytes.`,
  });

const actorType = matching(typePattern, 'Kind of the actor, such as user, api_key or system.');

/**
 * The one declaration of an event as it is accepted on the wire (JSON). The type, the validation, the field table, the
 * OpenAPI description and docs/event.md come from it. Unknown fields are invalid; nothing is ever truncated.
 */
export const eventSchema = closed(
  {
    id: Type.Optional(
      Type.String({
        'x-format': 'uuid',
        description: 'UUID, best v7, made by the producer: the idempotency key. Missing: the gateway makes one.',
      }),
    ),
    tenant_id: matching(tenantIdPattern, 'The customer organisation whose log this is. `docket.*` is reserved.'),
    occurred_at: Type.Optional(
      Type.String({
        'x-format': 'date-time',
        description:
          'RFC 3339 with any offset; digits beyond microseconds are cut. Missing: the arrival. More than 24 h ahead of the arrival is invalid, at the gateway 5 minutes less, for clocks differ; the past is free from 1900 on.',
      }),
    ),
    action: Type.String({
      maxLength: 128,
      pattern: '^[a-z0-9_-]+(\\.[a-z0-9_-]+)*$',
      description: 'Dotted lower-case name of what was done. `docket.*` is reserved.',
    }),
    category: Type.Optional(oneOf(categories, 'Class of the action, for SIEM formats.')),
    operation: Type.Optional(oneOf(operations, 'Default: other.')),
    outcome: Type.Optional(oneOf(outcomes, 'Default: success.')),
    outcome_reason: Type.Optional(bytes(1024, 'Why it ended so.')),
    severity: Type.Optional(oneOf(severities, 'Default: info.')),
    actor: closed(
      {
        type: actorType,
        id: chars(1, 256, 'Identifier of the actor.'),
        name: Type.Optional(chars(0, 512, 'Name of the actor, for people.')),
        metadata: Type.Optional(metadata('More about the actor.')),
      },
      'Who really did it.',
    ),
    on_behalf_of: Type.Optional(
      closed(
        {
          type: actorType,
          id: chars(1, 256, 'Identifier of the principal.'),
          name: Type.Optional(chars(0, 512, 'Name of the principal, for people.')),
        },
        'For whom the actor acted: impersonation, delegation.',
      ),
    ),
    resources: Type.Optional(
      Type.Array(
        closed(
          {
            type: matching(typePattern, 'Kind of the resource.'),
            id: chars(1, 256, 'Identifier of the resource.'),
            name: Type.Optional(chars(0, 512, 'Name of the resource, for people.')),
            metadata: Type.Optional(metadata('More about the resource.')),
          },
          'One thing acted upon.',
        ),
        { maxItems: 32, description: 'What was acted upon; the first is primary.' },
      ),
    ),
    changes: Type.Optional(
      Type.Array(
        closed(
          {
            path: chars(1, 512, 'What changed.'),
            old: Type.Optional(
              Type.Unknown({ description: `Value before, any JSON of at most ${changeValueBytesMax} bytes.` }),
            ),
            new: Type.Optional(
              Type.Unknown({ description: `Value after, any JSON of at most ${changeValueBytesMax} bytes.` }),
            ),
          },
          'One change; absent and null differ.',
        ),
        { maxItems: 64, description: 'What the action changed.' },
      ),
    ),
    description: Type.Optional(bytes(4096, 'A sentence for people.')),
    context: Type.Optional(
      closed(
        {
          ip: Type.Optional(Type.String({ 'x-format': 'ip', description: 'IPv4 or IPv6 address of the client.' })),
          user_agent: Type.Optional(bytes(2048, 'User agent of the client.')),
          country: Type.Optional(Type.String({ pattern: '^([A-Z]{2})?$', description: 'ISO 3166-1 alpha-2.' })),
          session_id: Type.Optional(chars(0, 256, 'Session of the client.')),
          request_id: Type.Optional(chars(0, 256, 'Request in which it happened.')),
          trace_id: Type.Optional(chars(0, 256, 'Trace in which it happened.')),
        },
        'From where.',
      ),
    ),
    source: Type.Optional(
      closed(
        {
          service: Type.Optional(chars(0, 128, 'Service that recorded the event.')),
          version: Type.Optional(chars(0, 128, 'Its version.')),
          instance: Type.Optional(chars(0, 256, 'Its instance.')),
          counter: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: avroLongMax,
              description: "The recorder's own running number from 1; 0 is absent.",
            }),
          ),
        },
        'What recorded it.',
      ),
    ),
    metadata: Type.Optional(metadata('Anything else.')),
  },
  'One audit event.',
);

/**
 * What the gateway stamps on an event. No producer sends it by HTTP, but anybody can who writes to Kafka: so it has limits
 * like every other field. An address stays text: a socket's may carry a zone.
 */
export const stampSchema = closed(
  {
    key_id: chars(0, 128, 'Key with which the event was sent.'),
    received_from: chars(0, 64, 'Address from which it came.'),
  },
  'Stamped by the gateway; absent: came straight from Kafka.',
);

/** One event as accepted on the wire. */
export type EventInput = Static<typeof eventSchema>;

export type Metadata = Readonly<Record<string, string>>;

export interface Change {
  readonly path: string;
  /** Canonical JSON text (keys sorted); null means absent, the text `null` means null. */
  readonly old: string | null;
  readonly new: string | null;
}

export interface Resource {
  readonly type: string;
  readonly id: string;
  readonly name: string;
  readonly metadata: Metadata;
}

/**
 * An event with every field present: what Avro carries and what a row holds. The empty string means absent.
 * `occurred_at` is in microseconds since 1970-01-01T00:00:00Z; null means the arrival.
 */
export interface AuditEvent {
  readonly id: string;
  readonly tenant_id: string;
  readonly occurred_at: number | null;
  readonly action: string;
  readonly category: (typeof categories)[number] | null;
  readonly operation: (typeof operations)[number];
  readonly outcome: (typeof outcomes)[number];
  readonly outcome_reason: string;
  readonly severity: (typeof severities)[number];
  readonly actor: Resource;
  readonly on_behalf_of: { readonly type: string; readonly id: string; readonly name: string } | null;
  readonly resources: readonly Resource[];
  readonly changes: readonly Change[];
  readonly description: string;
  readonly context: {
    readonly ip: string;
    readonly user_agent: string;
    readonly country: string;
    readonly session_id: string;
    readonly request_id: string;
    readonly trace_id: string;
  };
  /** `counter` 0 means absent. */
  readonly source: {
    readonly service: string;
    readonly version: string;
    readonly instance: string;
    readonly counter: number;
  };
  readonly metadata: Metadata;
  /** 16 bytes, or null. */
  readonly commitment_seed: Uint8Array | null;
  /** Stamped by the gateway; null: came straight from Kafka. */
  readonly ingest: { readonly key_id: string; readonly received_from: string } | null;
}
