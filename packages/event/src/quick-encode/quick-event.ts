import {
  aheadOfOwnClockMsMax,
  categories,
  eventBytesMax,
  operations,
  outcomes,
  severities,
  tenantIdPattern,
} from '../audit-event.ts';
import { putLong } from '../avro/avro-output.ts';
import { avroPrefixBytes } from '../avro-codec.ts';
import { clearSink, createByteSink, putByte, reserve, type ByteSink } from '../columns/byte-sink.ts';
import { isEventId } from '../event-id.ts';
import { isReserved } from '../log-identity.ts';
import { microsOfRfc3339 } from '../occurred-at.ts';
import { asciiOf, scanCount, scanText, uncertain, type JsonScanner } from './json-scanner.ts';
import { declared, plainText, putAction, putCountry, putIp, some, symbolOf, text } from './quick-fields.ts';
import { putMetadata } from './quick-metadata.ts';
import { objectForm, optional, putList, putObject, required } from './quick-object.ts';
import {
  plainPattern,
  putAscii,
  putChangeValue,
  putScanned,
  putText,
  requirePlain,
  textLimits,
} from './quick-texts.ts';

/** What an event is encoded with, beside itself. */
export interface QuickContext {
  /** Of our schema in the registry. */
  readonly schemaId: number;
  /** ms since the epoch; bounds `occurred_at`. */
  readonly arrivalMs: number;
  /** The stamp: with which key it was sent, and from where. */
  readonly keyId: string;
  readonly receivedFrom: string;
  /** The trace of an event that names none and has no id: what may come again has to stay as it is. */
  readonly traceId: string | undefined;
  /** The tenant of an event that names this one, or none; undefined when it has to be judged. */
  readonly tenantOf: (named: string | undefined) => string | undefined;
  /** The id of the event at `index` that has none. */
  readonly idFor: (tenantId: string, index: number) => string;
}

export interface QuickEvent {
  readonly id: string;
  readonly tenantId: string;
  readonly hasOwnId: boolean;
  /** Avro in the Confluent wire format. */
  readonly value: Buffer;
}

/** One event at a time is read, and its reader never waits. */
const out = createByteSink();
const changeText = createByteSink();
/** Of the event that is being read. */
const current: {
  id: string;
  hasOwnId: boolean;
  isTraced: boolean;
  newIdAt: number;
  tenantId: string;
  context: QuickContext | undefined;
} = { id: '', hasOwnId: false, isTraced: false, newIdAt: 0, tenantId: '', context: undefined };

const principalOf = (name: string) => ({
  type: required(plainText(name, 'type')),
  id: required(text(name, 'id')),
  name: optional(text(name, 'name')),
});
const actorForm = objectForm({ ...principalOf('actor'), metadata: optional(putMetadata) });
const resourceForm = objectForm({ ...principalOf('resources'), metadata: optional(putMetadata) });
const behalfForm = objectForm(principalOf('on_behalf_of'));
const changeValue = optional((sink: ByteSink, scanner: JsonScanner) => putChangeValue(sink, changeText, scanner));
const changeForm = objectForm({ path: required(text('changes', 'path')), old: changeValue, new: changeValue });
const contextForm = objectForm({
  ip: optional(putIp),
  user_agent: optional(text('context', 'user_agent')),
  country: optional(putCountry),
  session_id: optional(text('context', 'session_id')),
  request_id: optional(text('context', 'request_id')),
  trace_id: { put: putTrace, putAbsent: putGivenTrace, isExpected: false },
});
const sourceForm = objectForm({
  service: optional(text('source', 'service')),
  version: optional(text('source', 'version')),
  instance: optional(text('source', 'instance')),
  counter: optional((sink, scanner) => putLong(sink, scanCount(scanner))),
});

const itemsMax = { resources: declared('resources').maxItems ?? 0, changes: declared('changes').maxItems ?? 0 };
const byteOf = (symbols: readonly string[], symbol: string): number => symbols.indexOf(symbol) * 2;

/** In the order of our Avro schema. */
const eventForm = objectForm({
  id: { put: putId, putAbsent: putNewId, isExpected: false },
  tenant_id: { put: putTenant, putAbsent: putOwnTenant, isExpected: true },
  occurred_at: optional(putOccurredAt),
  action: required(putAction),
  category: optional(symbolOf(categories, true)),
  operation: optional(symbolOf(operations), byteOf(operations, 'other')),
  outcome: optional(symbolOf(outcomes), byteOf(outcomes, 'success')),
  outcome_reason: optional(text('outcome_reason')),
  severity: optional(symbolOf(severities), byteOf(severities, 'info')),
  actor: required((sink, scanner) => putObject(sink, scanner, actorForm)),
  on_behalf_of: optional((sink, scanner) => {
    putByte(sink, some);
    putObject(sink, scanner, behalfForm);
  }),
  resources: optional((sink, scanner) => putList(sink, scanner, resourceForm, itemsMax.resources)),
  changes: optional((sink, scanner) => putList(sink, scanner, changeForm, itemsMax.changes)),
  description: optional(text('description')),
  context: {
    put: (sink, scanner) => putObject(sink, scanner, contextForm),
    putAbsent: putNoContext,
    isExpected: false,
  },
  source: {
    put: (sink, scanner) => putObject(sink, scanner, sourceForm),
    putAbsent: (sink) => putZeros(sink, 4),
    isExpected: false,
  },
  metadata: optional(putMetadata),
});

/**
 * Reads an event and encodes it as `readEventFields` and `encodeEvent` do with what JSON.parse makes of it, without an object on the way. Throws `uncertain`
 * for everything that is not plainly a good event: that has to be judged.
 */
export function encodeQuickly(scanner: JsonScanner, index: number, context: QuickContext): QuickEvent {
  current.context = context;
  current.id = '';
  current.hasOwnId = false;
  current.isTraced = false;
  clearSink(out);
  putPrefix(out, context.schemaId);
  putObject(out, scanner, eventForm);
  // There is no seed; the stamp is there.
  putByte(out, 0);
  putByte(out, some);
  putAscii(out, context.keyId);
  putAscii(out, context.receivedFrom);
  if (out.length - avroPrefixBytes > eventBytesMax) throw uncertain;
  const { tenantId, hasOwnId, isTraced } = current;
  // Its id came behind the trace that only an event without one is given.
  if (hasOwnId && isTraced) throw uncertain;
  if (!hasOwnId) {
    current.id = context.idFor(tenantId, index);
    out.buffer.write(current.id, current.newIdAt, 'latin1');
  }
  const value = Buffer.allocUnsafe(out.length);
  out.buffer.copy(value, 0, 0, out.length);
  return { id: current.id, tenantId, hasOwnId, value };
}

function contextOf(): QuickContext {
  if (current.context === undefined) throw new TypeError('no event is being read');
  return current.context;
}

function putPrefix(sink: ByteSink, schemaId: number): void {
  reserve(sink, avroPrefixBytes);
  sink.buffer.writeUInt8(0, 0);
  sink.buffer.writeUInt32BE(schemaId, 1);
  sink.length = avroPrefixBytes;
}

const idBytes = 36;

function putId(sink: ByteSink, scanner: JsonScanner): void {
  scanText(scanner);
  if (scanner.textTo - scanner.textFrom !== idBytes) throw uncertain;
  const id = asciiOf(scanner);
  if (!isEventId(id)) throw uncertain;
  current.id = id.toLowerCase();
  current.hasOwnId = true;
  putAscii(sink, current.id);
}

/** Leaves room for it: the tenant, of which it may be made, is not known yet. */
function putNewId(sink: ByteSink): void {
  putLong(sink, idBytes);
  current.newIdAt = sink.length;
  reserve(sink, idBytes);
  sink.length += idBytes;
}

const tenantIdBytes = plainPattern(tenantIdPattern);

function putTenant(sink: ByteSink, scanner: JsonScanner): void {
  scanText(scanner);
  requirePlain(scanner, tenantIdBytes);
  takeTenant(asciiOf(scanner));
  putScanned(sink, scanner);
}

function putOwnTenant(sink: ByteSink): void {
  takeTenant(undefined);
  putAscii(sink, current.tenantId);
}

function takeTenant(named: string | undefined): void {
  const tenantId = contextOf().tenantOf(named);
  if (tenantId === undefined || isReserved(tenantId)) throw uncertain;
  current.tenantId = tenantId;
}

/** The longest that a time is written in; more digits of its fraction are not plain. */
const timeCharsMax = 48;

function putOccurredAt(sink: ByteSink, scanner: JsonScanner): void {
  scanText(scanner);
  if (scanner.textTo - scanner.textFrom > timeCharsMax) throw uncertain;
  const micros = microsOfRfc3339(asciiOf(scanner));
  if (micros === null || micros > (contextOf().arrivalMs + aheadOfOwnClockMsMax) * 1000) throw uncertain;
  putByte(sink, some);
  putLong(sink, micros);
}

const traceLimits = textLimits(declared('context', 'trace_id'));

function putTrace(sink: ByteSink, scanner: JsonScanner): void {
  const before = sink.length;
  putText(sink, scanner, traceLimits);
  if (scanner.textFrom !== scanner.textTo) return;
  sink.length = before;
  putGivenTrace(sink);
}

function putGivenTrace(sink: ByteSink): void {
  const traceId = current.hasOwnId ? '' : (contextOf().traceId ?? '');
  if (traceId !== '') current.isTraced = true;
  putAscii(sink, traceId);
}

const textsBeforeTrace = 5;

function putNoContext(sink: ByteSink): void {
  putZeros(sink, textsBeforeTrace);
  putGivenTrace(sink);
}

function putZeros(sink: ByteSink, count: number): void {
  for (let index = 0; index < count; index += 1) putByte(sink, 0);
}
