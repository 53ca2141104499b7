import { customHeadersMax, elasticAuths, webhookLayouts } from '@docket/directory';
import { Type } from '@sinclair/typebox';
import type { Static, TProperties } from '@sinclair/typebox';

const closed = <Properties extends TProperties>(properties: Properties) =>
  Type.Object(properties, { additionalProperties: false });

const sinkUrl = Type.String({ minLength: 1, description: 'https, at most 2 KiB, without credentials.' });

/** It goes into a header as it is. */
export const sinkToken = Type.String({
  pattern: '^[!-~]([ -~]{0,1022}[!-~])?$',
  description: 'Kept sealed and never shown: printable ASCII, at most 1 KiB.',
});

export const webhookSecret = Type.String({
  maxLength: 128,
  description: 'whsec_ and base64 of 24..64 bytes; default: a new one.',
});

const text = Type.String({ minLength: 1, maxLength: 256 });

const headers = Type.Record(Type.String(), Type.String(), {
  maxProperties: customHeadersMax,
  description:
    'Sent with each request of a webhook, for a gateway in front of the receiver. Kept sealed; of them only the names are shown. Not Host, Content-*, nor what Docket itself says.',
});

const webhook = closed({
  type: Type.Literal('webhook'),
  url: sinkUrl,
  layout: Type.Optional(
    Type.Union(
      webhookLayouts.map((layout) => Type.Literal(layout)),
      { description: 'What one request holds: a batch with its accounting (default), one event, an event a line.' },
    ),
  ),
  secret: Type.Optional(webhookSecret),
  headers: Type.Optional(headers),
});

const splunkHec = closed({
  type: Type.Literal('splunk_hec'),
  url: sinkUrl,
  token: sinkToken,
  index: Type.Optional(Type.String({ pattern: '^[a-z0-9_][a-z0-9_-]{0,79}$', description: "Default: the token's." })),
  source: Type.Optional(text),
  sourcetype: Type.Optional(text),
  host: Type.Optional(text),
});

const datadog = closed({
  type: Type.Literal('datadog'),
  url: sinkUrl,
  token: sinkToken,
  service: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: "Default: the event's." })),
  tags: Type.Optional(Type.Array(Type.String({ pattern: '^[^,\\s]{1,200}$' }), { maxItems: 20 })),
});

const elasticBulk = closed({
  type: Type.Literal('elastic_bulk'),
  url: sinkUrl,
  token: sinkToken,
  index: Type.String({ pattern: '^[a-z0-9][a-z0-9_.-]{0,254}$', description: 'An index or a data stream.' }),
  auth: Type.Union(
    elasticAuths.map((auth) => Type.Literal(auth)),
    { description: 'What `token` is: an API key, `user:password`, or a bearer token.' },
  ),
});

/** What a new subscription says of its sink. */
export const newSinkBody = Type.Union([webhook, splunkHec, datadog, elasticBulk], {
  description: 'The receiver, and what it is proved to with.',
});

/** What may change: the rest is what the receiver was set up for. */
export const sinkPatchBody = Type.Object(
  { url: Type.Optional(sinkUrl), token: Type.Optional(sinkToken), headers: Type.Optional(headers) },
  { additionalProperties: false, minProperties: 1 },
);

export type NewSinkBody = Static<typeof newSinkBody>;
export type SinkPatchBody = Static<typeof sinkPatchBody>;
