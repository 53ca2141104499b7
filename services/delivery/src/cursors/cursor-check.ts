import type { StoredLog } from '../log/clickhouse-log.ts';
import { isAtStart, isBehind, placeInLog } from './cursor-place-policy.ts';
import type { ReadRequest, SourceRead } from '../log/log-read-mapper.ts';
import { behind } from '../log/stored-reader.ts';

/** Holds cursors against what ClickHouse has of their logs. Each gives undefined when nothing speaks against reading on, and may reject: ClickHouse may be away. */
export interface CursorCheck {
  /** By what is known already: at once when nothing speaks against it, for that is asked at every read. */
  known(request: ReadRequest): Promise<SourceRead> | undefined;
  /** Before ClickHouse is read. */
  stored(request: ReadRequest): Promise<SourceRead | undefined>;
  /** The log ends before the cursor, as was read after every record up to `storedThrough` was stored. */
  beyondHead(request: ReadRequest, headSeq: number, storedThrough: number | undefined): Promise<SourceRead>;
}

export function createCursorCheck(ports: { readonly stored: StoredLog; readonly generation: number }): CursorCheck {
  const { stored, generation } = ports;

  const renumbered = async ({ subscription, cursor, signal }: ReadRequest, known?: number): Promise<SourceRead> => {
    const cut = { generation: cursor.generation, offset: cursor.offset ?? Number.MAX_SAFE_INTEGER };
    const seq = known ?? (await stored.seqAt(subscription.tenant_id, cut, signal));
    return { source: 'clickhouse', result: { kind: 'renumbered', seq } };
  };

  /** Without a question, however many wait (I7): the heads are read again when the log has grown, or now and then. */
  const unreached = async ({ subscription, partition, tail }: ReadRequest): Promise<SourceRead> => {
    const log = subscription.tenant_id;
    const headOffset = stored.head(partition, log)?.headOffset ?? -1;
    if (tail.after(log, headOffset, 1).length > 0) stored.refresh(partition);
    return behind;
  };

  const known: CursorCheck['known'] = (request) => {
    const { subscription, partition, cursor } = request;
    const [through, head] = [stored.through(partition), stored.head(partition, subscription.tenant_id)];
    const place = placeInLog(cursor, { generation, through, head }, subscription.start_after_seq);
    switch (place.kind) {
      case 'open':
        return undefined;
      case 'unreached':
        return unreached(request);
      case 'renumbered':
        return renumbered(request, place.seq);
    }
  };

  const beyondHead: CursorCheck['beyondHead'] = async (request, headSeq, storedThrough) => {
    const { subscription, partition, cursor } = request;
    const { offset } = cursor;
    if (isAtStart(cursor, subscription.start_after_seq)) return behind;
    // It was moved by what ClickHouse held, which holds less now.
    if (offset === null) return renumbered(request, headSeq);
    if (!isBehind(storedThrough, offset)) return renumbered(request);
    stored.refresh(partition);
    return behind;
  };

  /** The record of its seq is not stored: retention has cut it, or the log ends before it, or it has come since. */
  const withoutRecord = async (request: ReadRequest, through: number | undefined): Promise<SourceRead | undefined> => {
    const { subscription, cursor, signal } = request;
    const { firstSeq, headSeq } = await stored.bounds(subscription.tenant_id, signal);
    if (firstSeq > cursor.seq) return undefined;
    return headSeq < cursor.seq ? beyondHead(request, headSeq, through) : behind;
  };

  return {
    known,
    beyondHead,
    stored: async (request) => {
      const { subscription, partition, cursor, signal } = request;
      const { seq, offset } = cursor;
      if (cursor.generation < generation && stored.head(partition, subscription.tenant_id) === undefined) {
        await stored.readThrough([partition], signal);
        return known(request);
      }
      if (offset === null || seq === 0) return undefined;
      const through = stored.through(partition);
      if (through !== undefined && isBehind(through, offset)) {
        stored.refresh(partition);
        return behind;
      }
      const place = await stored.place(subscription.tenant_id, seq, signal);
      if (place === undefined) return withoutRecord(request, through);
      // The log has grown beyond the cursor since: by its number alone it looks as if all before it had been sent.
      return place.generation === generation && place.offset > offset ? renumbered(request) : undefined;
    },
  };
}
