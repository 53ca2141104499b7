import type { StoredEventRow } from '@docket/event';
import type { Bounded, ReadRows } from '../pages/bounded-read.ts';
import type { LogReader } from '../pages/clickhouse-log-reader.ts';

/** Rows of one page; large ones end it after 2 MiB. */
const pageRowsMax = 64;

export type LogPage = Bounded<ReadRows<StoredEventRow>> & {
  /** ms since the epoch: what was stored by then is in it. */
  readonly askedAtMs: number;
};

export interface LogPages {
  /** The rows behind a seq, of every status, in seq order and without a hole: at most 64, or 2 MiB of them. Throws as LogReader.feed. */
  after(tenantId: string, afterSeq: number, keyId: string): Promise<LogPage>;
}

/**
 * Pages of logs for streams that follow them. Streams that ask for the same page at once share one read: those that have all
 * of a log ask for the same one, at the same moment.
 */
export function createLogPages(reader: Pick<LogReader, 'feed'>): LogPages {
  const underWay = new Map<string, Promise<LogPage>>();

  return {
    after(tenantId, afterSeq, keyId) {
      const page = `${afterSeq} ${tenantId}`;
      const shared = underWay.get(page);
      if (shared !== undefined) return shared;
      // A read is short and may be another stream's as well: it is not cancelled. Whoever keeps the page accounts for it.
      const over = new AbortController();
      const askedAtMs = Date.now();
      const read = reader
        .feed({ tenantId, afterSeq, limit: pageRowsMax }, { keyId, signal: over.signal })
        .then((found) => ({ ...found, askedAtMs }))
        .finally(() => {
          underWay.delete(page);
          over.abort();
        });
      underWay.set(page, read);
      return read;
    },
  };
}
