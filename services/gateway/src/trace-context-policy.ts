/** W3C Trace Context: version, trace id, parent id, flags; later versions may add members behind another dash. */
const format = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[\x20-\x7e]*)?$/;
/** https://www.w3.org/TR/trace-context/#tracestate-limits: what everybody must be able to pass on. */
const stateCharsMax = 512;
/** What both may hold: node gives other bytes as Latin-1, which is more bytes in a record, and none that were sent. */
const printable = /^[\x20-\x7e]+$/;
const parentCharsMax = 256;

/** The trace that a request belongs to. */
export interface TraceContext {
  readonly traceId: string;
  /** As they go into the headers of Kafka's records. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads `traceparent` and `tracestate`; a broken one is as none (W3C Trace Context §3.2.2). */
export function readTraceContext(
  traceparent: string | undefined,
  tracestate: string | undefined,
): TraceContext | undefined {
  if (traceparent === undefined || traceparent.length > parentCharsMax) return undefined;
  const [, version, traceId, parentId, more] = format.exec(traceparent) ?? [];
  if (traceId === undefined || parentId === undefined || version === 'ff') return undefined;
  if (version === '00' && more !== undefined) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
  const isStated = tracestate !== undefined && tracestate.length <= stateCharsMax && printable.test(tracestate);
  return { traceId, headers: { traceparent, ...(isStated ? { tracestate } : {}) } };
}
