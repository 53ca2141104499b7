import { eventInput, eventRecord, runKafkaProgram, type World } from '@docket/testkit';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** From src/ and from dist/ alike. */
const putRecords = fileURLToPath(new URL('../java/PutRecords.java', import.meta.url));
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const ofEachStep = 200;
const tombstoneEvery = 50;

export interface ForeignRecords {
  /** Committed: each must become a row. */
  readonly records: number;
  /** Of these, those without a value. */
  readonly tombstones: number;
  readonly aborted: number;
}

/**
 * Records of Kafka's own client in every codec: outside of transactions, in committed ones and in aborted ones, tombstones among them.
 * Aborted records and the transactions' markers take offsets and become no rows.
 */
export async function putForeignRecords(world: World): Promise<ForeignRecords> {
  const steps: string[] = [];
  const lines: string[] = [];
  let [records, tombstones, aborted] = [0, 0, 0];
  for (const codec of codecs) {
    for (const end of ['plain', 'abort', 'commit', 'abort']) {
      steps.push(`${codec}:${end}:${lines.length}:${lines.length + ofEachStep}`);
      for (let n = 0; n < ofEachStep; n += 1) {
        const tenant = `foreign-${n % 7}`;
        const { value } = eventRecord(world, eventInput(tenant, { description: `${codec} ${end} ${n}` }));
        const isTombstone = n % tombstoneEvery === 0;
        lines.push(`${tenant} ${isTombstone ? '-' : (value?.toString('base64') ?? '-')}`);
        if (end === 'abort') aborted += 1;
        else records += 1;
        if (isTombstone && end !== 'abort') tombstones += 1;
      }
    }
  }
  const directory = await mkdtemp(join(tmpdir(), 'docket-records-'));
  try {
    const file = join(directory, 'records');
    await writeFile(file, `${lines.join('\n')}\n`);
    const brokers = world.env['KAFKA_BROKERS'] ?? '';
    await runKafkaProgram(putRecords, [brokers, world.kafka.topics.events.name, file, ...steps]);
  } finally {
    await rm(directory, { recursive: true });
  }
  return { records, tombstones, aborted };
}
