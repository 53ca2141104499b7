import { describe, expect, test } from '@jest/globals';
import { drivenTo, kindsOf, limits, noRows, recordAt, rowsUpTo, theOnly, type Driven } from './machine-under-test.ts';

const truncated = { earliest: 3, next: 9 };
const whole = { earliest: 0, next: 9 };

function places(kafka: readonly { earliest: number; next: number }[], first = 0) {
  return kafka.map((range, index) => ({ partition: first + index, stored: noRows, kafka: range }));
}

/** Partition 0 is stopped, partition 1 flows. */
function stoppedAtStart(): Driven {
  const driven = drivenTo('reading');
  const { run } = driven.state();
  driven.tell({ kind: 'placesRead', run, places: places([truncated, whole]), owned: [0, 1] });
  return driven;
}

function look(driven: Driven) {
  const { run } = driven.state();
  return theOnly(driven.tell({ kind: 'lookAgain', run }), 'readPlaces');
}

describe('a partition that waits for an operator', () => {
  test('is looked at again, and alone; as long as it is as it was, everything goes on', () => {
    const driven = stoppedAtStart();
    const asked = look(driven);
    expect(asked).toMatchObject({ owner: 'o1', partitions: [0] });
    const effects = driven.tell({ kind: 'placesRead', run: asked.run, places: places([truncated]), owned: [0] });
    expect(effects).toEqual([{ kind: 'lookAgainLater', run: asked.run, inMs: limits.lookAgainMs }]);
    expect(
      kindsOf(driven.tell({ kind: 'records', run: asked.run, partition: 1, records: [recordAt(0, 1)], behind: 0 })),
    ).toEqual(['wake']);
  });

  test('a look that fails is repeated', () => {
    const driven = stoppedAtStart();
    const { run } = look(driven);
    expect(kindsOf(driven.tell({ kind: 'failed', run }))).toEqual(['lookAgainLater']);
  });

  test('that somebody else has claimed meanwhile is claimed again, with all others: what it holds has changed', () => {
    const driven = stoppedAtStart();
    const { run } = look(driven);
    const effects = driven.tell({ kind: 'placesRead', run, places: places([truncated]), owned: [] });
    expect(kindsOf(effects)).toEqual(['abandon', 'pause', 'partitions.looked_at_again', 'wait']);
    expect(theOnly(driven.tell({ kind: 'waited', run: run + 1 }), 'claim').partitions).toEqual([0, 1]);
  });

  test('of which Kafka has again what it lacked is claimed again', () => {
    const driven = stoppedAtStart();
    const { run } = look(driven);
    driven.tell({ kind: 'placesRead', run, places: places([whole]), owned: [0] });
    expect(driven.state().phase).toBe('waiting');
  });

  test('I4: whose last record was another one is not taken up again for being there', () => {
    const driven = drivenTo('reading');
    const { run } = driven.state();
    const both = [0, 1].map((partition) => ({ partition, stored: rowsUpTo(4), kafka: whole }));
    driven.tell({ kind: 'placesRead', run, places: both, owned: [0, 1] });
    const last = { log: 'acme', id: '', offset: 4, receivedAtMs: 0 };
    driven.tell({ kind: 'pastRead', run, window: [], stored: last });
    driven.tell({ kind: 'pastRead', run, window: [], stored: last });
    driven.tell({ kind: 'records', run, partition: 0, records: [recordAt(5)], behind: 0 });
    look(driven);
    const effects = driven.tell({ kind: 'placesRead', run, places: both.slice(0, 1), owned: [0] });
    expect(kindsOf(effects)).toEqual(['lookAgainLater']);
  });

  test('two of them are looked at with one timer', () => {
    const driven = drivenTo('reading');
    const { run } = driven.state();
    const effects = driven.tell({ kind: 'placesRead', run, places: places([truncated, truncated]), owned: [0, 1] });
    theOnly(effects, 'lookAgainLater');
    expect(look(driven).partitions).toEqual([0, 1]);
  });
});
