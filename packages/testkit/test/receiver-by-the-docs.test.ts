import { describe, expect, test } from '@jest/globals';
import { gapsByTheQueries, receiveByTheDocs, rowsByTheDocs } from '../src/receiver-by-the-docs.ts';

type Pair = readonly [seq: number, prevSeq: number];

const eventOf = ([seq, prevSeq]: Pair, replay?: string) => ({
  id: `id-${seq}`,
  seq,
  prev_seq: prevSeq,
  ...(replay === undefined ? {} : { replay }),
});

function batch(prevToSeq: number, toSeq: number, events: readonly Pair[], replay?: string): unknown {
  return {
    type: replay === 'test' ? 'audit.test' : 'audit.batch',
    data: {
      ...(replay === undefined ? {} : { replay }),
      batch: { prev_to_seq: prevToSeq, from_seq: prevToSeq + 1, to_seq: toSeq },
      events: events.map((pair) => eventOf(pair, replay)),
    },
  };
}

/** What it keeps, what it takes for missing, and what the queries do. */
function accountOf(bodies: readonly unknown[]) {
  const { events, gaps } = receiveByTheDocs(bodies);
  return { seqs: events.map(({ seq }) => seq), gaps, ...gapsByTheQueries(rowsByTheDocs(bodies)) };
}

const stream = [batch(100, 102, [[101, 0], [102, 101]]), batch(102, 104, [[103, 102], [104, 103]])]; // prettier-ignore
const nothing = { gaps: [], spl: [], esql: [] };

describe('loses nothing and takes nothing for missing', () => {
  test.each<[string, unknown[], number[]]>([
    ['the stream', stream, [101, 102, 103, 104]],
    ['a range that comes again, cut otherwise', [...stream, batch(101, 103, [[102, 101], [103, 102]])], [101, 102, 103, 104]],
    ['a window that comes in another order', stream.toReversed(), [103, 104, 101, 102]],
    ['a probe before its place', [batch(102, 103, [[103, 103]], 'probe'), ...stream], [103, 101, 102, 104]],
    [
      'a parked event that is sent again',
      [batch(100, 101, [[101, 0]]), batch(101, 104, [[103, 101], [104, 103]]), batch(101, 102, [[102, 102]], 'parked')],
      [101, 103, 104, 102],
    ],
    ['a test', [...stream, batch(0, 0, [[0, 0]], 'test')], [101, 102, 103, 104]],
    ['a range that is replayed, from before the stream', [...stream, batch(40, 60, [[50, 0], [60, 50]], 'range')], [101, 102, 103, 104, 50, 60]],
    ['a replay with a filter of its own', [batch(100, 103, [[101, 0], [103, 101]], 'range'), ...stream], [101, 103, 102, 104]],
    ['a resume from a time', [...stream, batch(60, 101, [[70, 0], [101, 70]]), batch(101, 104, [[102, 101], [103, 102], [104, 103]])], [101, 102, 103, 104, 70]],
    ['a resume from now', [...stream, batch(104, 120, [[120, 104]])], [101, 102, 103, 104, 120]],
  ])('%s', (_, bodies, seqs) => {
    expect(accountOf(bodies)).toEqual({ ...nothing, seqs });
  }); // prettier-ignore
});

describe('finds what is missing', () => {
  test('a batch', () => {
    const [first, last] = [stream[0], batch(104, 105, [[105, 104]])];
    expect(accountOf([first, last])).toEqual({ seqs: [101, 102, 105], gaps: [[103, 104]], spl: [104], esql: [104] });
  });

  test('an event of the stream, beside parked and replayed ones', () => {
    const bodies = [...stream, batch(104, 106, [[106, 104]]), batch(104, 105, [[105, 105]], 'parked')];
    const rows = rowsByTheDocs(bodies).filter(({ seq }) => seq !== 103);
    expect(gapsByTheQueries(rows)).toEqual({ spl: [103], esql: [103] });
  });
});
