import { describe, expect, test } from '@jest/globals';
import { contiguousRows, storedEventSelection } from '../src/stored-event-mapper.ts';

const rows = (...seqs: number[]): { seq: number }[] => seqs.map((seq) => ({ seq }));

describe('contiguousRows', () => {
  test.each([
    ['all of a dense range', rows(4, 5, 6), 3, rows(4, 5, 6)],
    ['nothing when the first is missing', rows(5, 6), 3, []],
    ['up to the first missing seq', rows(4, 6, 7), 3, rows(4)],
    ['a doubled seq once', rows(4, 4, 5), 3, rows(4, 5)],
    ['nothing of nothing', [], 0, []],
  ])('%s', (_, stored, afterSeq, expected) => {
    expect(contiguousRows(stored, afterSeq)).toEqual(expected);
  });
});

test('I5: what is selected for readers holds no internal column', () => {
  const names = storedEventSelection.split(', ').map((item) => item.replaceAll('`', ''));
  for (const internal of [
    'raw',
    'status_detail',
    'commitment_seed',
    'content_hash',
    'src_offset',
    'src_partition',
    'src_generation',
    'schema_id',
  ]) {
    expect(names).not.toContain(internal);
  }
  expect(names).toContain('resources.metadata');
});
