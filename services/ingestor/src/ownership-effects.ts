import { randomUUID } from 'node:crypto';
import {
  claimPartitions,
  killForeignInserts,
  ownedPartitions,
  readHeads,
  readStoredRecord,
  readWindow,
  type ClickHouse,
} from '@docket/clickhouse';
import { windowRecords } from '@docket/event';
import type { KafkaClient } from '@docket/kafka';
import type { IngestEffect, IngestInput } from './ingest-state.ts';
import { readKafkaRanges } from './kafka-ranges.ts';

type OwnershipEffect = Extract<IngestEffect<never>, { kind: 'claim' | 'kill' | 'readPlaces' | 'readPast' }>;
type OwnershipInput = IngestInput<'claimed' | 'cleared' | 'placesRead' | 'pastRead'>;

interface OwnershipPorts {
  readonly clickhouse: ClickHouse;
  readonly kafka: KafkaClient;
  readonly generation: number;
}

/** Carries out fence, clear and read (design §5). Rejects when ClickHouse or Kafka does not do it, or its answer is lost. */
export async function runOwnershipEffect(ports: OwnershipPorts, effect: OwnershipEffect): Promise<OwnershipInput> {
  const { clickhouse, kafka, generation } = ports;
  const { run } = effect;
  switch (effect.kind) {
    case 'claim': {
      const owner = randomUUID();
      const owned = await claimPartitions(clickhouse, { generation, partitions: effect.partitions, owner });
      return { kind: 'claimed', run, owner, owned: [...owned] };
    }
    case 'kill': {
      const { owner, partitions } = effect;
      const outcome = await killForeignInserts(clickhouse, { generation, partitions, owner });
      if (!outcome.ok) throw new Error(`inserts of other owners still run: ${outcome.running.join(', ')}`);
      return { kind: 'cleared', run };
    }
    case 'readPlaces': {
      const { owner, partitions } = effect;
      const heads = await readHeads(clickhouse, { generation, partitions });
      const ranges = await readKafkaRanges(kafka, generation);
      const owned = await ownedPartitions(clickhouse, { generation, partitions, owner });
      const places = partitions.map((partition) => {
        const stored = heads.get(partition);
        const range = ranges.get(partition);
        if (stored === undefined || range === undefined)
          throw new Error(`partition ${partition} is unknown to Kafka or ClickHouse`);
        return { partition, stored, kafka: range };
      });
      return { kind: 'placesRead', run, places, owned: [...owned] };
    }
    case 'readPast': {
      const { partition, last, expectStored } = effect.past;
      const at = { generation, partition, log: last.log, offset: last.headOffset };
      const window = await readWindow(clickhouse, {
        generation,
        partition,
        rows: windowRecords,
        lastOffset: at.offset,
      });
      const stored = expectStored ? await readStoredRecord(clickhouse, at) : null;
      return { kind: 'pastRead', run, window, stored };
    }
  }
}
