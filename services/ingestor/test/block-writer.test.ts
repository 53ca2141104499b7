import { describe, expect, test } from '@jest/globals';
import { createClickHouse, noAnswerCode, type ClickHouse, type SendOutcome } from '@docket/clickhouse';
import { newEventId, rowOfRecord } from '@docket/event';
import { createLogger } from '@docket/runtime';
import { Registry } from 'prom-client';
import { createBlockWriter } from '../src/block-writer.ts';
import { createIngestorMetrics } from '../src/metrics.ts';
import { createPendingBlock, type PendingBlock } from '../src/pending-block.ts';

const owner = newEventId();

/** Two rows of a partition's strays, which are no events. */
function quarantinedRows(): PendingBlock {
  const block = createPendingBlock();
  for (const offset of [0, 1]) {
    const place = { log: '!p0', seq: offset + 1, status: 'quarantined', statusDetail: '', receivedAtMs: 0 } as const;
    block.rows.append(rowOfRecord({ ...place, schemaId: 0, generation: 0, partition: 0, offset }, '', null));
    block.values.add(null);
  }
  return block;
}

/** A writer whose ClickHouse gives these answers, one after the other; and how many it was asked for. */
function writerWith(answers: readonly SendOutcome[]) {
  const config = { clickhouseUrl: 'http://127.0.0.1:1', clickhouseUser: '', clickhousePassword: '' };
  let asked = 0;
  const clickhouse: ClickHouse = {
    ...createClickHouse({ ...config, clickhouseDatabase: 'none' }),
    send: () => Promise.resolve(answers[asked++] ?? { ok: true }),
  };
  const publisher = {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    publish: () => Promise.resolve([]),
    stats: () => ({ queuedBytes: 0, queueBytesMax: 0 }),
  };
  const logger = createLogger({ service: 'test', level: 'silent' });
  const metrics = createIngestorMetrics(new Registry());
  const ports = { clickhouse, publisher, eventsTopic: 'none', logger, metrics };
  return { writer: createBlockWriter(ports, owner, 0), asked: () => asked };
}

const failure = (code: number, message = `Code: ${code}. DB::Exception: no`): SendOutcome => ({
  ok: false,
  code,
  message,
});

describe('a block', () => {
  test.each<[string, SendOutcome[], string, number]>([
    ['is stored', [{ ok: true }], 'stored', 1],
    [
      'whose answer is lost is in doubt at once: its token may be noted without its rows',
      [failure(noAnswerCode)],
      'in_doubt',
      1,
    ],
    [
      'that ClickHouse has taken only at a later try is in doubt: that is also how it drops one whose token it knows',
      [failure(252), { ok: true }],
      'in_doubt',
      2,
    ],
    ['of another owner is fenced', [failure(395, 'Code: 395. DB::Exception: fenced: while executing')], 'fenced', 1],
    ['whose second half is in doubt is in doubt', [failure(117), { ok: true }, failure(noAnswerCode)], 'in_doubt', 3],
  ])('I2, I4: %s', async (_name, answers, outcome, asked) => {
    const found = writerWith(answers);
    const never = (): void => {
      throw new Error('no row was refused');
    };
    expect(await found.writer.write(quarantinedRows(), new AbortController().signal, never)).toBe(outcome);
    expect(found.asked()).toBe(asked);
  });
});
