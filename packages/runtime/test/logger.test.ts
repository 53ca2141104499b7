import { Writable } from 'node:stream';

import { expect, test } from '@jest/globals';

import { createLogger, DocketError } from '../src/index.ts';

function capture() {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return { stream, lines };
}

test('a line has level, time, service, its name and its fields', () => {
  const { stream, lines } = capture();
  createLogger({ service: 'x', level: 'info' }, stream).info({ rows: 3 }, 'block.inserted');
  const line: unknown = JSON.parse(lines[0] ?? '');
  expect(line).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    service: 'x',
    rows: 3,
    msg: 'block.inserted',
  });
});

test('an error is logged with code, stack and causes, and without the properties that clients hang on it', () => {
  const { stream, lines } = capture();
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', request: { body: 'hunter2' } });
  const err = new DocketError('kafka_unavailable', 'Kafka is away.', { cause });
  createLogger({ service: 'x', level: 'info' }, stream).error({ err }, 'http.unavailable');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    err: { code: 'kafka_unavailable', cause: { code: 'ECONNREFUSED', message: 'refused' } },
  });
  expect(lines[0]).not.toContain('hunter2');
});

test('secrets by their usual names are redacted', () => {
  const { stream, lines } = capture();
  const fields = { authorization: 'hunter2', headers: { authorization: 'hunter2' }, key: { secret: 'hunter2' } };
  createLogger({ service: 'x', level: 'info' }, stream).info(fields, 'mistake');
  expect(lines[0]).not.toContain('hunter2');
});
