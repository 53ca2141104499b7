import type { StoredEventRow } from '@docket/event';
import type { Asker, LogReader } from '../clickhouse-log-reader.ts';

/**
 * Rows of one page. A stream holds one page at a time, so this bounds its memory: 16 MiB where every event is of the largest
 * size there is.
 */
export const pageRowsMax = 64;

export interface LogPages {
  /** The rows behind a seq, of every status, in seq order and without a hole: at most `pageRowsMax`. Throws as LogReader.feed. */
  after(tenantId: string, afterSeq: number, keyId: string): Promise<readonly StoredEventRow[]>;
}

/**
 * Pages of logs for streams that follow them. Streams that ask for the same page at once share one read: those that have all
 * of a log ask for the same one, at the same moment.
 */
export function createLogPages(reader: Pick<LogReader, 'feed'>): LogPages {
  const underWay = new Map<string, Promise<readonly StoredEventRow[]>>();
  // A read is short and may be another stream's as well: it is not cancelled.
  const { signal } = new AbortController();

  return {
    after(tenantId, afterSeq, keyId) {
      const page = `${afterSeq} ${tenantId}`;
      const shared = underWay.get(page);
      if (shared !== undefined) return shared;
      const asker: Asker = { keyId, signal };
      const read = reader.feed({ tenantId, afterSeq, limit: pageRowsMax }, asker).finally(() => underWay.delete(page));
      underWay.set(page, read);
      return read;
    },
  };
}
