import { describe, expect, test } from '@jest/globals';
import { newEventId } from '@docket/event';
import fc from 'fast-check';
import {
  applyLine,
  closeWindows,
  createTrailWindows,
  duePart,
  lineOfReading,
  linesOfWindows,
  parseTrailLine,
  revertLines,
  type TrailLine,
  type TrailWindows,
} from '../../src/trail/trail-windows.ts';
import { trailEntry } from './trail-entry-maker.ts';

const windowMs = 300;

/** A reading at a time; gives its line. */
function read(windows: TrailWindows, fingerprint: string, atMs: number): TrailLine {
  const openedAfterMs = atMs - windowMs;
  const line = lineOfReading(windows, { id: newEventId(), fingerprint, atMs, openedAfterMs, entry: trailEntry() });
  applyLine(windows, line);
  return line;
}

const dueOf = (windows: TrailWindows) => duePart(windows, 100).due.map(({ window, of }) => [window.fingerprint, of]);
const stateOf = ({ byId }: TrailWindows) => [...byId.values()];

describe('windows of readings', () => {
  test('the first reading is told at once, its repeats when the window is over', () => {
    const windows = createTrailWindows();
    read(windows, 'a', 0);
    read(windows, 'a', 100);
    read(windows, 'b', 100);
    expect(dueOf(windows)).toEqual([
      ['a', 'first'],
      ['b', 'first'],
    ]);
    for (const { id } of stateOf(windows)) applyLine(windows, ['told', id]);
    expect(dueOf(windows)).toEqual([]);
    closeWindows(windows, 0);
    expect(dueOf(windows)).toEqual([['a', 'repeats']]);
    closeWindows(windows, 100);
    const [b] = stateOf(windows).filter(({ fingerprint }) => fingerprint === 'b');
    expect(duePart(windows, 100)).toMatchObject({ due: [{ of: 'repeats' }], done: [b?.id] });
  });

  test.each([
    [windowMs - 1, 'repeated'],
    [windowMs, 'opened'],
    [windowMs + 1, 'opened'],
  ])('a reading %i ms after the first has %s', (atMs, kind) => {
    const windows = createTrailWindows();
    read(windows, 'a', 0);
    expect(read(windows, 'a', atMs)[0]).toBe(kind);
  });

  test('what a closed window tells is fixed: a later reading opens another one', () => {
    const windows = createTrailWindows();
    read(windows, 'a', 0);
    read(windows, 'a', 10);
    closeWindows(windows, Infinity);
    expect(read(windows, 'a', 20)[0]).toBe('opened');
    expect(stateOf(windows).map(({ repeats }) => repeats)).toEqual([1, 0]);
  });

  test('lines that could not be written leave nothing', () => {
    const windows = createTrailWindows();
    read(windows, 'a', 0);
    const before = structuredClone(stateOf(windows));
    const lines = [read(windows, 'a', 1), read(windows, 'b', 2), read(windows, 'b', 3)];
    revertLines(windows, lines);
    expect(stateOf(windows).map(({ repeats }) => repeats)).toEqual(before.map(({ repeats }) => repeats));
    expect(read(windows, 'b', 4)[0]).toBe('opened');
  });

  test('no reading is lost or told twice, whatever is read, told and rewritten, and whenever it crashes', () => {
    const step = fc.record({
      what: fc.constantFrom('read', 'read', 'read', 'tell', 'rewrite', 'crash'),
      fingerprint: fc.constantFrom('a', 'b', 'c'),
      afterMs: fc.integer({ min: 0, max: 200 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let windows = createTrailWindows();
        let journal: string[] = [];
        let nowMs = 0;
        let readings = 0;
        /** Event → how many readings it stands for: Kafka keeps one of each. */
        const told = new Map<string, number>();
        const note = (line: TrailLine): void => {
          applyLine(windows, line);
          journal.push(JSON.stringify(line));
        };
        const tell = (isNoted: boolean): void => {
          closeWindows(windows, nowMs - windowMs);
          const { due, done } = duePart(windows, 5);
          for (const { window, of } of due) {
            const event = `${window.id} ${of}`;
            const reads = of === 'first' ? 1 : window.repeats;
            expect(told.get(event) ?? reads).toBe(reads);
            told.set(event, reads);
            if (isNoted) note([of === 'first' ? 'told' : 'done', window.id]);
          }
          if (isNoted) for (const id of done) note(['done', id]);
        };
        const recover = (): void => {
          windows = createTrailWindows();
          for (const text of journal) applyLine(windows, parseTrailLine(text) ?? ['done', 'unreadable']);
          closeWindows(windows, Infinity);
        };
        for (const { what, fingerprint, afterMs } of steps) {
          nowMs += afterMs;
          if (what === 'read') {
            readings += 1;
            journal.push(JSON.stringify(read(windows, fingerprint, nowMs)));
          } else if (what === 'rewrite') journal = linesOfWindows(windows).map((line) => JSON.stringify(line));
          else {
            tell(what === 'tell');
            if (what === 'crash') recover();
          }
        }
        recover();
        while (windows.byId.size > 0) tell(true);
        expect([...told.values()].reduce((sum, reads) => sum + reads, 0)).toBe(readings);
      }),
    );
  });
});

describe('a line of the spool', () => {
  const id = newEventId();
  test.each<TrailLine>([
    ['opened', id, 'f', 1, trailEntry()],
    ['opened', id, 'f', 1, trailEntry({ eventId: id, results: 3 })],
    ['repeated', id, 2, 3],
    ['told', id],
    ['done', id],
  ])('is read as it was written: %j', (...line) => {
    expect(parseTrailLine(JSON.stringify(line))).toEqual(line);
  });

  test('that was torn or is none of ours is told apart', () => {
    const whole = JSON.stringify(['opened', id, 'f', 1, trailEntry()]);
    for (let length = 0; length < whole.length; length += 1) expect(parseTrailLine(whole.slice(0, length))).toBeNull();
    for (const other of [
      [],
      ['told'],
      ['told', 'x'],
      ['lost', id],
      ['repeated', id, -1, 1],
      ['opened', id, 'f', 1, {}],
    ])
      expect(parseTrailLine(JSON.stringify(other))).toBeNull();
  });
});
