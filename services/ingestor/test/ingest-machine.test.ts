import { describe, expect, test } from '@jest/globals';
import type { IngestInput, InputKind, Phase } from '../src/ingest-state.ts';
import {
  assignment,
  createDriven,
  drivenTo,
  kindsOf,
  noRows,
  recordAt,
  rowsUpTo,
  theOnly,
  type Driven,
} from './machine-under-test.ts';

const placeOf = (partition: number, stored = noRows, kafka = { earliest: 0, next: 9 }) => ({
  partition,
  stored,
  kafka,
});

/** One input of each kind, of the present run. */
const inputs: { readonly [K in InputKind]: (run: number) => IngestInput } = {
  assigned: () => ({ kind: 'assigned', assignment: { id: 'a2', partitions: [1] } }),
  lost: () => ({ kind: 'lost', assignmentId: 'a1' }),
  claimed: (run) => ({ kind: 'claimed', run, owner: 'o1', owned: [0, 1] }),
  cleared: (run) => ({ kind: 'cleared', run }),
  placesRead: (run) => ({ kind: 'placesRead', run, owned: [0, 1], places: [placeOf(0), placeOf(1)] }),
  pastRead: (run) => ({ kind: 'pastRead', run, window: [], stored: null }),
  failed: (run) => ({ kind: 'failed', run }),
  records: (run) => ({ kind: 'records', run, partition: 0, records: [recordAt(0)], behind: 0 }),
  passed: (run) => ({ kind: 'passed', run, partition: 0, nextOffset: 1 }),
  positionJumped: (run) => ({ kind: 'positionJumped', run, partition: 0, detail: 'Kafka goes on elsewhere' }),
  straysPublished: (run) => ({ kind: 'straysPublished', run, unpublished: [] }),
  insertAnswered: (run) => ({ kind: 'insertAnswered', run, answer: { kind: 'stored' } }),
  waited: (run) => ({ kind: 'waited', run }),
  due: (run) => ({ kind: 'due', run }),
  lookAgain: (run) => ({ kind: 'lookAgain', run }),
  stop: () => ({ kind: 'stop' }),
};

const kinds = Object.keys(inputs) as InputKind[];
type Verdict = Phase | 'impossible';

const never = {
  claimed: 'impossible',
  cleared: 'impossible',
  placesRead: 'impossible',
  pastRead: 'impossible',
  failed: 'impossible',
  records: 'impossible',
  passed: 'impossible',
  positionJumped: 'impossible',
  straysPublished: 'impossible',
  insertAnswered: 'impossible',
  waited: 'impossible',
  due: 'impossible',
  lookAgain: 'impossible',
} as const;
const always = { assigned: 'claiming', stop: 'ended' } as const;

const transitions: Readonly<Record<Phase, Readonly<Record<InputKind, Verdict>>>> = {
  idle: { ...never, ...always, lost: 'idle' },
  claiming: { ...never, ...always, lost: 'idle', claimed: 'clearing', failed: 'waiting' },
  clearing: { ...never, ...always, lost: 'idle', cleared: 'reading', failed: 'waiting' },
  reading: { ...never, ...always, lost: 'idle', placesRead: 'running', failed: 'waiting' },
  running: {
    ...never,
    ...always,
    lost: 'idle',
    records: 'running',
    passed: 'running',
    positionJumped: 'waiting',
    due: 'running',
    lookAgain: 'running',
    placesRead: 'running',
    failed: 'running',
  },
  waiting: { ...never, ...always, lost: 'idle', waited: 'claiming' },
  ended: { ...never, assigned: 'ended', lost: 'ended', stop: 'ended' },
};

function verdictOf(driven: Driven, kind: InputKind): Verdict {
  try {
    driven.tell(inputs[kind](driven.state().run));
  } catch {
    return 'impossible';
  }
  return driven.state().phase;
}

describe('what every phase does with every input', () => {
  test.each(Object.entries(transitions))('%s', (phase, row) => {
    const found = Object.fromEntries(kinds.map((kind) => [kind, verdictOf(drivenTo(phase as Phase), kind)]));
    expect(found).toEqual(row);
  });

  test.each(Object.keys(transitions))('%s: an answer to an earlier run changes nothing', (phase) => {
    for (const kind of kinds) {
      const driven = drivenTo(phase as Phase);
      const before = driven.state();
      const input = inputs[kind](before.run - 1);
      if (!('run' in input)) continue;
      expect([driven.tell(input), driven.state()]).toEqual([[], before]);
    }
  });

  test('the loss of an assignment that was followed by another changes nothing', () => {
    const driven = drivenTo('running');
    driven.tell({ kind: 'lost', assignmentId: 'a0' });
    expect(driven.state().phase).toBe('running');
  });
});

describe('a claim', () => {
  test('I2: is made anew, for another owner, when its answer was lost; the late answer of the first makes nobody an owner', () => {
    const driven = createDriven();
    const [first] = [theOnly(driven.tell({ kind: 'assigned', assignment }), 'claim')];
    const pause = driven.tell({ kind: 'failed', run: first.run });
    expect(pause).toEqual([{ kind: 'backOff', run: first.run, failures: 0 }]);
    const second = theOnly(driven.tell({ kind: 'waited', run: first.run }), 'claim');
    expect(second.run).not.toBe(first.run);
    driven.tell({ kind: 'claimed', run: first.run, owner: 'late', owned: [0, 1] });
    expect(driven.state().phase).toBe('claiming');
    const kill = theOnly(driven.tell({ kind: 'claimed', run: second.run, owner: 'o2', owned: [0, 1] }), 'kill');
    expect(kill.owner).toBe('o2');
  });

  test.each([
    ['when it was read back', 'claiming', 'claimed'],
    ['while the places were read', 'reading', 'placesRead'],
  ] as const)(
    'I4: of which another owner has taken a part %s is repeated for all of it: the other one may be dead',
    (_name, phase, kind) => {
      const driven = drivenTo(phase);
      const { run } = driven.state();
      const effects = driven.tell({ ...inputs[kind](run), owned: [1] } as IngestInput);
      expect(kindsOf(effects)).toEqual(['assignment.claimed_by_another', 'wait']);
      expect(theOnly(driven.tell({ kind: 'waited', run }), 'claim').partitions).toEqual([0, 1]);
    },
  );

  test('waits longer after each failure, and briefly again once it was prepared', () => {
    const driven = createDriven();
    driven.tell({ kind: 'assigned', assignment });
    const failures = [0, 1, 2].map(() => {
      const { run } = driven.state();
      const paused = theOnly(driven.tell({ kind: 'failed', run }), 'backOff').failures;
      driven.tell({ kind: 'waited', run });
      return paused;
    });
    expect(failures).toEqual([0, 1, 2]);
  });

  test('is not made by a member without partitions: it is prepared at once', () => {
    const driven = createDriven();
    const effects = driven.tell({ kind: 'assigned', assignment: { id: 'a1', partitions: [] } });
    expect([kindsOf(effects), driven.state().phase]).toEqual([['abandon', 'assignment.prepared'], 'running']);
  });
});

describe('reading', () => {
  function read(driven: Driven, places: ReturnType<typeof placeOf>[]) {
    return driven.tell({ kind: 'placesRead', run: driven.state().run, places, owned: [0, 1] });
  }

  test('begins at the last stored record, which has to be compared, and behind it when Kafka has just lost it', () => {
    const driven = drivenTo('reading');
    const { run } = driven.state();
    const first = read(driven, [placeOf(0, rowsUpTo(4)), placeOf(1, rowsUpTo(4), { earliest: 5, next: 9 })]);
    expect(theOnly(first, 'readPast').past).toMatchObject({ partition: 0, from: 4, expectStored: true });
    const stored = { log: 'acme', id: '', offset: 4, receivedAtMs: 0 };
    const second = driven.tell({ kind: 'pastRead', run, window: [], stored });
    expect(theOnly(second, 'readPast').past).toMatchObject({ partition: 1, from: 5, expectStored: false });
    const prepared = driven.tell({ kind: 'pastRead', run, window: [], stored: null });
    expect(prepared).toEqual([
      { kind: 'resumeAt', partition: 0, offset: 4 },
      { kind: 'resumeAt', partition: 1, offset: 5 },
      { kind: 'report', report: { event: 'assignment.prepared', partitions: [0, 1] } },
      { kind: 'keepHeads', owner: 'o1', partitions: [0, 1] },
    ]);
  });

  test('I2: starts over when the last stored row is gone since its place was read', () => {
    const driven = drivenTo('reading');
    read(driven, [placeOf(0, rowsUpTo(4)), placeOf(1)]);
    driven.tell({ kind: 'pastRead', run: driven.state().run, window: [], stored: null });
    expect(driven.state().phase).toBe('waiting');
  });

  test('I4: stops a partition of which Kafka has lost more than is stored, and goes on with the others', () => {
    const driven = drivenTo('reading');
    const effects = read(driven, [placeOf(0, noRows, { earliest: 3, next: 9 }), placeOf(1)]);
    expect(kindsOf(effects)).toEqual([
      'stopPartition',
      'resumeAt',
      'assignment.prepared',
      'keepHeads',
      'lookAgainLater',
    ]);
    expect(theOnly(effects, 'stopPartition')).toMatchObject({
      reason: 'truncated',
      detail: expect.stringContaining('docket accept-loss --partition 0'),
    });
    const { state } = driven;
    const { run } = state();
    expect(driven.tell({ kind: 'records', run, partition: 0, records: [recordAt(3)], behind: 0 })).toEqual([]);
  });

  test('I3: says when a log has fewer rows than seqs', () => {
    const effects = read(drivenTo('reading'), [placeOf(0, rowsUpTo(4, 2)), placeOf(1)]);
    expect(effects[0]).toMatchObject({ report: { event: 'log.not_dense', headSeq: 5, rows: 3, missing: 2 } });
  });
});
