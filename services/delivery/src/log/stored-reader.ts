import type { StoredText } from '@docket/clickhouse';
import type { ParkedEvent, Subscription } from '@docket/directory';
import type { Topology } from '@docket/kafka';

import { buildAside } from '../batches/batch-mapper.ts';
import type { StoredLog } from './clickhouse-log.ts';
import { entryOfRow, entryOfText } from '../batches/log-entry-mapper.ts';
import { batchOf, editionOf, found } from './log-read-mapper.ts';
import type { ReadRequest, SourceRead } from './log-read-mapper.ts';
import { ownNoticesOf } from '../notices/notice-event-mapper.ts';
import { createReadAhead, valueBytes } from './read-ahead.ts';
import type { ReadAhead, StoredRow } from './read-ahead.ts';
import { entriesWithin } from './replay-bounds.ts';
import type { SubscriptionEncoding } from '../batches/subscription-encoding.ts';
import type { Filters } from './subscription-filter.ts';

/** Reads from ClickHouse. Every call may reject: it may be away. */
export interface StoredReader {
  /** A batch of what is behind a seq, before which `expired` seqs have been cut; undefined when the next seq is not stored. */
  rows(request: ReadRequest, afterSeq: number, expired: number): Promise<SourceRead | undefined>;
  /** The offset of a seq in this generation of the topic; null when it has none. */
  place(request: Pick<ReadRequest, 'subscription' | 'signal'>, seq: number): Promise<number | null>;
  /** One parked event as it is stored. */
  parked(request: ParkedRequest): Promise<SourceRead>;
}

export interface ParkedRequest {
  readonly subscription: Subscription;
  readonly parked: ParkedEvent;
  readonly signal: AbortSignal;
}

export const behind: SourceRead = { source: 'clickhouse', result: { kind: 'behind' } };

/** Rows of one catch-up read: of the largest events fewer (clickhouse-log). */
const rowsMaxDefault = 200;
/** What is read ahead of one subscriber. Making objects of so many rows takes some ms of the process, in which nobody else is served. */
const rowsAhead = { rowsMax: 1_000, bytesMax: 2 * 1024 * 1024, sizeOf: valueBytes } as const;
/** Texts are left as they come. */
const textsAhead = {
  rowsMax: 10_000,
  bytesMax: 8 * 1024 * 1024,
  sizeOf: ({ text }: StoredText) => text.length,
} as const;

export function createStoredReader(ports: {
  readonly stored: StoredLog;
  readonly topology: Topology;
  readonly encodingOf: SubscriptionEncoding;
  readonly filterOf: Filters;
  /** Rows of one catch-up read; default 200. */
  readonly rowsMax?: number;
}): StoredReader {
  const { stored, topology, encodingOf, filterOf, rowsMax = rowsMaxDefault } = ports;
  const rowsOf = createReadAhead((...asked) => stored.rows(...asked), rowsAhead);
  const textsOf = createReadAhead((...asked) => stored.texts(...asked), textsAhead);

  const place: StoredReader['place'] = async ({ subscription, signal }, seq) => {
    const known = await stored.place(subscription.tenant_id, seq, signal);
    return known?.generation === topology.generation ? known.offset : null;
  };

  const rows: StoredReader['rows'] = async (request, afterSeq, expired) => {
    const { subscription, toSeq, signal } = request;
    const tenantId = subscription.tenant_id;
    const limit = toSeq === null ? rowsMax : Math.max(1, toSeq - afterSeq);
    const matches = filterOf(subscription);
    const isOwn = ownNoticesOf(subscription.id);
    /** What is made again is read whole, in as many answers as it takes. */
    const readOf = async <Row extends StoredRow>(of: ReadAhead<Row>): Promise<readonly Row[]> => {
      let read = await of.rows(subscription.id, tenantId, afterSeq, limit, signal);
      if (toSeq === null) return read;
      for (let known = 0; read.length > known && read.length < limit;) {
        known = read.length;
        const more = await of.rows(subscription.id, tenantId, afterSeq + known, limit - known, signal);
        read = [...read, ...more];
      }
      return read;
    };
    // Whose filter looks at events needs more than their texts.
    const read =
      matches === undefined
        ? (await readOf(textsOf)).map((text) => entryOfText(text, isOwn))
        : (await readOf(rowsOf)).map((row) => entryOfRow(row, matches));
    const entries = entriesWithin(subscription, read);
    const batch = batchOf(request, entries, encodingOf(subscription), expired);
    if (batch === undefined) return undefined;
    // Near the end of what is stored the tail may go on from here; farther back the place is of no use.
    const offset = read.length < limit ? await place(request, batch.toSeq) : null;
    return found(subscription, 'clickhouse', batch, { offset, mayHaveMore: true });
  };

  const parked: StoredReader['parked'] = async ({ subscription, parked: one, signal }) => {
    const { id: subscriptionId, tenant_id: tenantId } = subscription;
    const [row] = await stored.rows(tenantId, one.seq - 1, 1, signal);
    if (row === undefined) {
      const { firstSeq } = await stored.bounds(tenantId, signal);
      return firstSeq > one.seq ? { source: 'clickhouse', result: { kind: 'expired' } } : behind;
    }
    const entry = entryOfRow(row, undefined);
    // What the tail took for an event repeats one: there is nothing of its own to send.
    if (entry.kind !== 'event') return { source: 'clickhouse', result: { kind: 'expired' } };
    const tag = { replay: 'parked', time: one.asks } as const;
    const origin = { subscriptionId, tenantId, edition: editionOf(subscription) };
    const batch = buildAside(origin, entry, tag, encodingOf(subscription));
    return found(subscription, 'clickhouse', batch, { offset: null, mayHaveMore: false });
  };

  return { rows, place, parked };
}
