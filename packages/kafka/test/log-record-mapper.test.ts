import { expect, test } from '@jest/globals';
import type { KafkaMessage } from 'kafkajs';

import { toLogRecord } from '../src/log-record-mapper.ts';

test('a header without a value, which is null on the wire, is as absent; of a header given twice the last counts', () => {
  // kafkajs’ types know no null here, its decoder and every Java producer do.
  const headers = JSON.parse('{"docket-reject": null, "again": ["a", "b"]}') as KafkaMessage['headers'];
  const message = { key: null, value: null, timestamp: '5', offset: '7', attributes: 0, headers } as KafkaMessage;
  expect(toLogRecord(3, message)).toEqual({
    partition: 3,
    offset: 7,
    timestampMs: 5,
    key: null,
    value: null,
    headers: { 'docket-reject': undefined, again: Buffer.from('b') },
  });
});
