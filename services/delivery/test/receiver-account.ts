import { expect } from '@jest/globals';
import { gapsByTheQueries, receiveByTheDocs, rowsByTheDocs } from '@docket/testkit';

/**
 * Whoever goes by docs/delivery.md and docs/delivery-sinks.md alone loses nothing of what was acknowledged, takes nothing for missing, and finds an
 * event that is.
 * @param bodies what the receiver took, of one subscription and of what was sent once more
 * @param ids every event that it is to have
 * @param lostId one of them, which did not come last
 */
export function expectNothingMissing(bodies: readonly unknown[], ids: readonly string[], lostId: string): void {
  const { events, gaps } = receiveByTheDocs(bodies);
  expect(gaps).toEqual([]);
  expect(events.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  const rows = rowsByTheDocs(bodies);
  expect(gapsByTheQueries(rows)).toEqual({ spl: [], esql: [] });
  const seqs = [...new Set(rows.filter(({ id }) => id === lostId).map(({ seq }) => seq))];
  expect(seqs).toHaveLength(1);
  expect(gapsByTheQueries(rows.filter(({ id }) => id !== lostId))).toEqual({ spl: seqs, esql: seqs });
}

/** The same receiver finds the range of the requests that brought an event, when it has none of them. */
export function expectGapWithout(bodies: readonly unknown[], lostId: string): void {
  const kept = bodies.filter((body) => !JSON.stringify(body).includes(lostId));
  expect(receiveByTheDocs(kept).gaps).toEqual([[expect.any(Number), expect.any(Number)]]);
}
