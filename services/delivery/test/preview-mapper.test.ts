import { describe, expect, test } from '@jest/globals';
import type { Subscription } from '@docket/directory';

import type { LogEntry } from '../src/batches/log-entry-mapper.ts';
import { previewOf } from '../src/preview-mapper.ts';
import { encodingOf } from '../src/sinks/sink-rules.ts';
import { buildTest } from '../src/batches/test-event-mapper.ts';
import { sampleEntries, sampleSinks, subscriptionTo } from './sinks/sample-batches.ts';
import type { SampleName } from './sinks/sample-batches.ts';

const nowMs = Date.parse('2026-11-23T09:00:00.000Z');
const names = Object.keys(sampleSinks) as SampleName[];
const preview = (subscription: Subscription, entries: readonly LogEntry[] = sampleEntries) =>
  previewOf(subscription, entries, encodingOf(subscription), { prevEventSeq: 5, nowMs });

describe('a preview', () => {
  test.each(names)(
    'to %s: every event in its place, with the headers of the sink and no proof of who sends',
    (name) => {
      const requests = preview(subscriptionTo(sampleSinks[name]));
      expect(requests.reduce((sum, { events }) => sum + events, 0)).toBe(2);
      expect(requests).toHaveLength(name === 'webhook-single' ? 2 : 1);
      const bodies = requests.map(({ body }) => body).join('\n');
      for (const place of ['"seq":7,"', '"seq":9,"', '"prev_seq":5', '"prev_seq":7']) expect(bodies).toContain(place);
      for (const { url, headers, method } of requests) {
        expect([method, url.startsWith('https://')]).toEqual(['POST', true]);
        expect(headers['content-type']).toMatch(/^application\//);
        expect(JSON.stringify(headers)).toMatch(/\((?:secret|signature)\)/);
      }
    },
  );

  test('headers of the owner are named, not shown', () => {
    const headers = { names: ['authorization', 'x-a'], sealed: 'v1.sealed' };
    expect(preview(subscriptionTo({ ...sampleSinks.webhook, headers }))[0]?.headers).toMatchObject({
      authorization: '(secret)',
      'x-a': '(secret)',
      'webhook-signature': 'v1,(signature)',
    });
  });

  test('the owner’s limits cut it as they cut a delivery, and each request accounts for what the one before left', () => {
    const requests = preview(
      subscriptionTo(sampleSinks.webhook, { batch: { max_events: 1, max_bytes: 1e6, max_wait_ms: 0 } }),
    );
    const ranges = requests.map(({ body }) => Object(JSON.parse(body)).data.batch);
    expect(ranges).toMatchObject([
      { prev_to_seq: 6, from_seq: 7, count: 1 },
      { to_seq: 9, count: 1 },
    ]);
    expect(ranges[1].prev_to_seq).toBe(ranges[0].to_seq);
  });

  test('without an event there is no request', () => {
    expect(preview(subscriptionTo(sampleSinks.webhook), [])).toEqual([]);
    const skipped: LogEntry = { seq: 7, receivedAtMs: nowMs, kind: 'skipped', reason: 'filtered' };
    expect(preview(subscriptionTo(sampleSinks.webhook), [skipped])).toEqual([]);
  });
});

describe('a test event', () => {
  test.each(names)('to %s: is tagged and in no place of the log', (name) => {
    const subscription = subscriptionTo(sampleSinks[name]);
    const batch = buildTest(subscription, { eventId: 'e1', keyId: 'k1', nowMs }, encodingOf(subscription));
    const body = batch.body.toString();
    expect(body).toContain('"replay":"test"');
    expect(body).toContain('"seq":0,');
    expect(body).not.toContain('audit.batch');
    expect(body).not.toContain('audit.event"');
    expect(batch).toMatchObject({ fromSeq: 0, toSeq: 0, eventCount: 1 });
  });

  test('its envelope has a type of its own and an empty range', () => {
    const subscription = subscriptionTo(sampleSinks.webhook);
    const { body } = buildTest(subscription, { eventId: 'e1', keyId: 'k1', nowMs }, encodingOf(subscription));
    expect(JSON.parse(body.toString())).toMatchObject({
      type: 'audit.test',
      data: { replay: 'test', batch: { prev_to_seq: 0, to_seq: 0, count: 1 }, events: [{ id: 'e1', seq: 0 }] },
    });
  });
});
