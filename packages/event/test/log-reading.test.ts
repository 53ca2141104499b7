import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';

import { boundAsked, eventOfLogReading, newEventId, parseEvent, type LogReading } from '../src/index.ts';

const reading: LogReading = {
  id: newEventId(),
  log: 'acme',
  kind: 'searched',
  atMs: 1_780_000_000_000,
  actor: { type: 'api_key', id: 'k_1' },
  credential: { key_id: 'k_1', view: 'tenant' },
  resources: [{ type: 'log', id: 'acme' }],
  origin: { ip: '203.0.113.7', userAgent: 'curl', requestId: 'r_1' },
  service: 'docket-query',
  asked: {},
  results: 3,
  reads: 1,
  repeatsOf: null,
};

function metadataOf(asked: LogReading['asked']): Readonly<Record<string, string>> {
  const event = parseEvent(eventOfLogReading({ ...reading, asked }), reading.atMs, reading.id);
  if (!event.ok) throw new Error(JSON.stringify(event.errors));
  return event.event.metadata;
}

/** The pieces of a text, put together again. */
function textOf(metadata: Readonly<Record<string, string>>, name: string): string {
  const pieces = [metadata[name] ?? ''];
  for (let n = 2; ; n += 1) {
    const piece = metadata[`${name}.${n}`];
    if (piece === undefined) return pieces.join('');
    pieces.push(piece);
  }
}

describe('what was asked', () => {
  test.each([32 * 1024 - 1, 32 * 1024])('is kept whole when it has %i bytes', (bytes) => {
    const search = 'x'.repeat(bytes);
    expect(boundAsked({ search })).toEqual({ search });
    expect(textOf(metadataOf({ search }), 'search')).toBe(search);
  });

  test.each(['x', 'ü', '€', '😀'])('is cut beyond 32 KiB, and says of how much: %s', (character) => {
    const search = character.repeat(200_000);
    const metadata = metadataOf({ search, after: '7' });
    const kept = textOf(metadata, 'search');
    expect(search.startsWith(kept)).toBe(true);
    expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(32 * 1024);
    expect(Buffer.byteLength(kept)).toBeGreaterThan(32 * 1024 - 4);
    expect(metadata).toMatchObject({
      search_bytes: String(Buffer.byteLength(search)),
      search_sha256: createHash('sha256').update(search).digest('hex'),
      after: '7',
    });
  });

  test('is cut once: what was cut before is told as it is', () => {
    const asked = { search: '😀'.repeat(50_000), other: 'half \ud83d' };
    expect(boundAsked(boundAsked(asked))).toEqual(boundAsked(asked));
    expect(metadataOf(boundAsked(asked))).toEqual(metadataOf(asked));
  });
});
