import { ClickHouseError, readMatching } from '@docket/clickhouse';
import type { Matching, MatchingQuery } from '@docket/clickhouse';
import { microsOfRfc3339, newEventId, parseFilter } from '@docket/event';
import { DocketError } from '@docket/runtime';
import type { ApiRouter } from '@docket/runtime';
import type { Request } from 'express';

import { dryRunReplay } from '../endpoints.ts';
import { eventOfReading } from '../log/reading-event-mapper.ts';
import { originOf } from './reading-origin.ts';
import { subscriptionOf } from './subscriber-context.ts';
import type { SubscriberContext } from './subscriber-context.ts';

const deadlineMs = 10_000;

export function addDryRunRoute(router: ApiRouter, context: SubscriberContext): void {
  const { clickhouse, withinLimit, ownEvents, trustedProxyHops } = context;

  const count = async (query: MatchingQuery): Promise<Matching> => {
    try {
      return await readMatching(clickhouse, query, { deadlineMs });
    } catch (cause) {
      if (!(cause instanceof ClickHouseError)) throw cause;
      throw new DocketError('clickhouse_unavailable', 'The log cannot be read now.', { cause });
    }
  };

  router.add(dryRunReplay, async (req, res) => {
    const { caller, subscription } = subscriptionOf(context, req, dryRunReplay.access);
    const { tenant_id: tenantId } = subscription;
    const filter = textOf(req, 'filter') ?? subscription.filter ?? '';
    const parsed = parseFilter(filter);
    if (!parsed.ok) throw invalid('filter', parsed.error.detail);
    const [receivedFromMs, receivedUntilMs] = [timeOf(req, 'since', 0), timeOf(req, 'until', Date.now())];
    const query = { tenantId, search: parsed.search, receivedFromMs, receivedUntilMs };
    const found = await withinLimit(subscription, () => count(query));
    const asked = { search: filter, since: textOf(req, 'since') ?? '', until: textOf(req, 'until') ?? '' };
    const origin = originOf(req, res, trustedProxyHops);
    await ownEvents.publish(
      eventOfReading('counted', subscription, {
        id: newEventId(),
        atMs: Date.now(),
        caller,
        results: found.events,
        asked,
        origin,
      }),
    );
    const range = found.events === 0 ? {} : { first_seq: found.firstSeq, last_seq: found.lastSeq };
    res.json({ events: found.events, ...range });
  });
}

function textOf({ query }: Request, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw invalid(name, 'stands more than once');
  return value;
}

function timeOf(req: Request, name: string, absentMs: number): number {
  const text = textOf(req, name);
  if (text === undefined) return absentMs;
  const micros = microsOfRfc3339(text);
  if (micros === null || micros < 0) throw invalid(name, 'is no time of RFC 3339');
  return Math.floor(micros / 1_000);
}

function invalid(name: string, detail: string): DocketError {
  return new DocketError('invalid_request', `The parameter ${name} ${detail}.`);
}
