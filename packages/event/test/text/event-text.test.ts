import { describe, expect, test } from '@jest/globals';
import {
  type AuditEvent,
  encodeEvent,
  eventFields,
  frameAvro,
  rfc3339OfMicros,
  rfc3339OfMillis,
  toPublicEvent,
} from '../../src/index.ts';
import { readOwnBody } from '../../src/avro-codec.ts';
import { createEventCheck } from '../../src/columns/event-check.ts';
import { createByteSink, writtenBytes } from '../../src/columns/byte-sink.ts';
import { createSource, pointAt } from '../../src/columns/source.ts';
import { createEventTextWriter } from '../../src/text/event-text.ts';
import { putDecimal, putJsonText } from '../../src/text/put-json.ts';
import { exactTimesMs, putJsonTime } from '../../src/text/put-time.ts';
import { createChance, damaged, eventFrom } from '../event-maker.ts';

const arrivalMs = 1_780_000_000_123;
const log = Buffer.from('acme');
const prefix = 5;

const written = (put: (sink: ReturnType<typeof createByteSink>) => void): string => {
  const sink = createByteSink();
  put(sink);
  return writtenBytes(sink).toString();
};

/** Keys that are numbers come first in an object of JavaScript. */
const hasNumberKey = ({ actor, resources, metadata }: AuditEvent): boolean =>
  [actor.metadata, metadata, ...resources.map((one) => one.metadata)].some((map) =>
    Object.keys(map).some((key) => /^\d+$/.test(key)),
  );

describe('the text of an event', () => {
  test('is there for what the check finds to be an event and for nothing else, and is, byte for byte, what JSON.stringify writes of the public event', () => {
    const chance = createChance(23);
    const isEvent = createEventCheck();
    const write = createEventTextWriter();
    const sink = createByteSink();
    let other = encodeEvent(eventFrom(chance, 'acme', arrivalMs));
    let compared = 0;
    let left = 0;
    for (let n = 0; n < 6_000; n += 1) {
      const body = encodeEvent(eventFrom(chance, 'acme', arrivalMs));
      // In memory of its own, so that what is behind it is not there at all.
      const value = Buffer.from(
        Uint8Array.from(frameAvro(1, chance.onceIn(3) ? damaged(chance, body, other) : body)).buffer,
      );
      other = body;
      const seq = chance.pick([1, 9, 10, 4_294_967_296, 999_999_999, 1_000_000_000, 2 ** 53 - 1]);
      const mark = sink.length;
      const isWritten = write(value, prefix, { seq, log, receivedAtMs: arrivalMs }, sink);
      const isFound = isEvent(value, log, arrivalMs);
      if (!isWritten) {
        expect(sink.length).toBe(mark);
        if (!isFound) continue;
        left += 1;
        expect(hasNumberKey(readOwnBody(value.subarray(prefix)))).toBe(true);
        continue;
      }
      expect(isFound).toBe(true);
      compared += 1;
      const event = readOwnBody(value.subarray(prefix));
      const shown = toPublicEvent(event, { seq, receivedAtMs: arrivalMs, status: 'accepted' });
      expect(`${sink.buffer.toString('utf8', mark, sink.length)}}`).toBe(JSON.stringify(shown));
      if (sink.length > 1e6) sink.length = 0;
    }
    expect(compared).toBeGreaterThan(500);
    expect(left).toBeGreaterThan(0);
  });

  test('every shown field is in it', () => {
    const names = eventFields().map(({ path }) => path.split(/[.[]/)[0] ?? '');
    const chance = createChance(31);
    const write = createEventTextWriter();
    const seen = new Set<string>();
    for (let n = 0; n < 300; n += 1) {
      const value = frameAvro(1, encodeEvent(eventFrom(chance, 'acme', arrivalMs)));
      const sink = createByteSink();
      if (!write(value, prefix, { seq: 1, log, receivedAtMs: arrivalMs }, sink)) continue;
      for (const name of Object.keys(JSON.parse(`${writtenBytes(sink).toString()}}`) as object)) seen.add(name);
    }
    expect([...seen]).toEqual(expect.arrayContaining([...new Set(names)]));
  });
});

describe('the parts of a text', () => {
  test('every character, at every place of a word, is escaped as JSON.stringify does', () => {
    const source = createSource();
    const characters = [
      ...Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code)),
      '\u2028',
      '\ud7ff',
      '👩',
    ];
    for (const character of characters) {
      for (let before = 0; before < 9; before += 1) {
        for (const behind of ['', 'x', 'xyz']) {
          const text = `${'a'.repeat(before)}${character}${behind}`;
          // At the end of its buffer.
          const bytes = Buffer.from(Uint8Array.from(Buffer.from(text)).buffer);
          pointAt(source, bytes, 0);
          expect(written((sink) => putJsonText(source, 0, bytes.length, sink))).toBe(JSON.stringify(text));
        }
      }
    }
  });

  test('numbers and times are as JavaScript writes them', () => {
    const chance = createChance(37);
    for (const value of [0, 1, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, 999_999_999, 1_000_000_000, 2 ** 52])
      expect(written((sink) => putDecimal(sink, value))).toBe(String(value));
    const times = [0, 1, 999, 86_399_999, 86_400_000, 951_782_400_000, 951_868_800_000, Math.floor(exactTimesMs)];
    for (let n = 0; n < 500; n += 1) times.push(chance.upTo(4_102_444_800_000));
    for (const ms of times) {
      const micros = chance.upTo(999);
      expect(written((sink) => putJsonTime(sink, ms, -1))).toBe(JSON.stringify(rfc3339OfMillis(ms)));
      expect(written((sink) => putJsonTime(sink, ms, micros))).toBe(
        JSON.stringify(rfc3339OfMicros(ms * 1000 + micros)),
      );
    }
  });
});
