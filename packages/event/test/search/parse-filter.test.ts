import { expect, test } from '@jest/globals';

import { parseFilter } from '../../src/search/parse-filter.ts';
import { parseSearch } from '../../src/search/parse-search.ts';

test.each(['', 'action:user.* -outcome:success', 'since:2026-01-01T00:00:00Z seq:>=5', '"big deal" OR ip:10.0.0.0/8'])(
  'the filter %j means what it means as a q',
  (text) => expect(parseFilter(text)).toEqual(parseSearch(text, { nowMicros: 0, statuses: ['accepted'] })),
);

test.each([
  ['status:accepted', 8],
  ['action:a status:*', 17],
  ['since:-7d', 7],
  ['received_at:-2d..-1d', 13],
])('%j depends on when it is asked: refused at %i', (text, position) => {
  expect(parseFilter(text)).toMatchObject({ ok: false, error: { position } });
});
