import {
  createByteSink,
  createDuplicateWindow,
  createPartitionLedger,
  putUuid,
  readRecord,
  refusedRow,
  restoreWindow,
  type DuplicateWindow,
  type EventRow,
  type LogRecord,
  type PartitionLedger,
  type RowReader,
} from '@docket/event';
import { withdrawRefused } from '../../packages/event/src/columns/withdraw-refused.ts';
import { createBlockQueue, type BlockKind, type QueuedBlock } from '../../services/ingestor/src/block-queue.ts';
import { isSameRecord } from '../../services/ingestor/src/position-policy.ts';
import type { Stray } from '../../services/ingestor/src/reroute-mapper.ts';
import type { CreateIntake, SimPart } from './sim-part.ts';

interface RowBlock extends QueuedBlock {
  readonly rows: EventRow[];
  readonly records: LogRecord[];
  readonly strays: Stray[];
}

interface RowPart extends SimPart {
  readonly block: RowBlock;
  readonly from: number;
  readonly replacement: EventRow | null;
  halves(): [RowPart, RowPart];
}

interface OpenLedger {
  readonly ledger: PartitionLedger;
  readonly window: DuplicateWindow;
  readonly enter: (record: LogRecord, block: RowBlock) => void;
}

const rowBlocks: BlockKind<RowBlock> = {
  create() {
    const rows: EventRow[] = [];
    return {
      rows,
      records: [],
      strays: [],
      get size() {
        return rows.length;
      },
      bytes: 0,
      month: 0,
      openedAtMs: 0,
    };
  },
  clear({ rows, records, strays }) {
    rows.length = 0;
    records.length = 0;
    strays.length = 0;
  },
};

/** The intake of the definition: the same decisions as the compiled one, a row object for each record, and no columns. */
export const createRowIntake: CreateIntake = (options) => {
  const { generation, partitions, decoderOf, mac, keepsValues } = options;
  const ledgers = new Map<number, OpenLedger>();
  const queue = createBlockQueue(options.limits, rowBlocks);
  const parts = new WeakMap<SimPart, RowPart>();

  const ledgerOf = (partition: number): OpenLedger => {
    const ledger = ledgers.get(partition);
    if (ledger === undefined) throw new Error(`a record of partition ${partition}, which is not open`);
    return ledger;
  };
  const partOf = (part: SimPart): RowPart => {
    const known = parts.get(part);
    if (known === undefined) throw new Error('a part of another run');
    return known;
  };

  function createPart(block: RowBlock, from: number, to: number, replacement: EventRow | null = null): RowPart {
    const ends = new Map<number, number>();
    for (const { partition, offset } of block.records.slice(from, to)) ends.set(partition, offset + 1);
    const part: RowPart = {
      block,
      from,
      replacement,
      size: to - from,
      ends,
      strays: block.strays,
      modelRows: () => (replacement === null ? block.rows.slice(from, to) : [replacement]),
      halves() {
        const middle = from + Math.ceil((to - from) / 2);
        return [createPart(block, from, middle), createPart(block, middle, to)];
      },
    };
    parts.set(part, part);
    return part;
  }

  return {
    open({ partition, heads, window: entries }) {
      const window = createDuplicateWindow(options.windowRecords);
      restoreWindow(window, entries);
      const seqs = new Map([...heads.values()].map((head) => [head.log, head.headSeq]));
      const ledger = createPartitionLedger({ generation, partitions, heads: seqs, window, decoderOf, mac });
      ledgers.set(partition, {
        ledger,
        window,
        enter(record, block) {
          const { row, rerouteTo } = ledger.enter(record);
          block.rows.push(row);
          block.records.push(record);
          if (rerouteTo !== null) block.strays.push({ tenantId: rerouteTo, record });
        },
      });
    },
    enter(record, nowMs) {
      queue.add(record, ledgerOf(record.partition).enter, nowMs);
    },
    noteBehind: (partition, offsets, nowMs) => queue.noteBehind(partition, offsets, nowMs),
    isStored(record, stored) {
      const reading = readRecord(record, options);
      const id = reading.kind === 'quarantined' ? reading.id : reading.event.id;
      const { offset, timestampMs: receivedAtMs } = record;
      return isSameRecord({ offset, receivedAtMs, log: reading.log, id }, stored);
    },
    take(nowMs) {
      const block = queue.take(nowMs);
      return block === undefined ? undefined : createPart(block, 0, block.size);
    },
    release: (part) => queue.release(partOf(part).block),
    refuse(part, message) {
      const { block, from: row, replacement } = partOf(part);
      const refused = block.rows[row];
      if (!keepsValues) throw new Error('a row is quarantined whose value was not kept');
      if (refused === undefined || replacement !== null || refused.status === 'quarantined') return null;
      const behind = { reader: readerOf(block.rows), from: row + 1, to: block.size };
      const waiting = queue.waiting().map(({ rows, size }) => ({ reader: readerOf(rows), from: 0, to: size }));
      const { window } = ledgerOf(refused.src_partition);
      withdrawRefused(window, { reader: readerOf(block.rows), row }, [behind, ...waiting]);
      const raw = block.records[row]?.value ?? null;
      return createPart(block, row, row + 1, refusedRow(refused, raw, message));
    },
    dueInMs: (nowMs) => queue.dueInMs(nowMs),
    bytes: () => queue.bytes(),
  };
};

function readerOf(rows: readonly EventRow[]): RowReader {
  const ids = createByteSink();
  for (const { id } of rows) putUuid(ids, id);
  const at = (row: number): EventRow => {
    const found = rows[row];
    if (found === undefined) throw new Error(`there is no row ${row}`);
    return found;
  };
  return {
    ids,
    statusAt: (row) => at(row).status,
    setStatus(row, status) {
      at(row).status = status;
    },
    partitionAt: (row) => at(row).src_partition,
    offsetAt: (row) => at(row).src_offset,
    contentHashAt: (row) => at(row).content_hash,
    logAt: (row) => at(row).tenant_id,
    placeAt: at,
  };
}
