import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { eventFormats } from '@docket/directory';

import { batchFor, sampleSinks, subscriptionTo } from './sample-batches.ts';
import type { SampleName } from './sample-batches.ts';

const names = Object.keys(sampleSinks) as SampleName[];
const cases = names.flatMap((name) => eventFormats.map((format) => [name, format] as const));

/** schemas/golden/delivery holds the exact bytes; WRITE_GOLDEN=1 writes them anew, for a change that is meant. */
function golden(name: string, body: Buffer): string {
  const file = new URL(`../../../../schemas/golden/delivery/${name}.txt`, import.meta.url);
  if (process.env['WRITE_GOLDEN'] === '1') writeFileSync(file, body);
  return readFileSync(file, 'utf8');
}

/** The place of every event, however deep it is. */
function placesOf(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('prev_seq' in value && 'seq' in value) return [{ seq: value.seq, prev_seq: value.prev_seq }];
  if ('metadata' in value && 'unmapped' in value) {
    return [{ seq: Object(value.metadata).sequence, prev_seq: Object(value.unmapped).prev_seq }];
  }
  return Object.values(value).flatMap(placesOf);
}

const placesIn = (body: string): object[] =>
  body
    // Splunk's objects follow each other without anything between.
    .replaceAll('}{"time"', '}\n{"time"')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => placesOf(JSON.parse(line)));

describe('the body of a request', () => {
  test.each(cases)('to %s, events %s: is, byte for byte, the golden one', (name, format) => {
    const { body } = batchFor(subscriptionTo(sampleSinks[name], { format }));
    expect(body.toString()).toBe(golden(`${name}.${format}`, body));
  });

  test.each(cases)('to %s, events %s: each has its seq and that of the event sent before it', (name, format) => {
    const batch = batchFor(subscriptionTo(sampleSinks[name], { format }));
    const places = [
      { seq: 7, prev_seq: 5 },
      { seq: 9, prev_seq: 7 },
    ];
    expect(placesIn(batch.body.toString())).toEqual(name === 'webhook-single' ? places.slice(0, 1) : places);
  });

  test.each(names)('to %s: what holds no event is sent only where it proves something', (name) => {
    const skipped = { seq: 7, receivedAtMs: 1, kind: 'skipped', reason: 'duplicate' } as const;
    const batch = batchFor(subscriptionTo(sampleSinks[name]), [skipped]);
    expect(batch).toMatchObject({ fromSeq: 7, toSeq: 7, eventSeq: 5, eventCount: 0 });
    expect(batch.body.length > 0).toBe(name === 'webhook');
  });

  test.each(names.filter((name) => name !== 'webhook-single'))('to %s: keeps within the limit of bytes', (name) => {
    const subscription = subscriptionTo(sampleSinks[name]);
    const whole = batchFor(subscription);
    const less = { ...subscription.batch, max_bytes: whole.body.length - 1 };
    const batch = batchFor({ ...subscription, batch: less });
    expect(batch).toMatchObject({ eventCount: 1, isFull: true });
    expect(batch.body.length).toBeLessThan(whole.body.length);
  });

  test('an event without a stored format is native', () => {
    const [without, native] = [{}, { format: 'native' as const }].map((changes) =>
      batchFor(subscriptionTo(sampleSinks.webhook, changes)).body.toString(),
    );
    expect(without).toBe(native);
  });
});
