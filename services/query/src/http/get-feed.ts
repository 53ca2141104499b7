import { compileScoped, every, printSearch, scopeSearch, statusesByDefault } from '@docket/event';
import { DocketError } from '@docket/runtime';
import { feedAnswer } from '../answer-mapper.ts';
import type { LogReader } from '../clickhouse-log-reader.ts';
import { afterParameter, feedLimit } from '../endpoint-parameters.ts';
import { getFeedEndpoint } from '../endpoints.ts';
import { searchOfQ } from '../filter-parameters-mapper.ts';
import type { RequestParameters } from '../request-parameters-mapper.ts';
import { readerOf, tenantOf, type Callers } from './caller.ts';
import { parametersOf, requireValid } from './query-string.ts';
import type { Reader } from './reading-route.ts';

/** Seqs that a number holds exactly. */
const afterSeq = { name: afterParameter.name, min: 0, max: Number.MAX_SAFE_INTEGER, default: undefined };

/**
 * GET /v1/feed?after=SEQ|latest&limit&q: the log in seq order; see FeedAnswer. `limit` bounds the seqs that are passed, not
 * the events that q leaves of them, so that every answer is quick. 410 when rows behind `after` were cut.
 */
export function getFeed({ callers, reader }: { readonly callers: Callers; readonly reader: LogReader }): Reader {
  return async (req, signal) => {
    const credential = await readerOf(callers, req);
    const asker = { keyId: credential.keyId, signal };
    const parameters = parametersOf(req, getFeedEndpoint);
    const limit = parameters.integer(feedLimit);
    const asked = afterOf(parameters);
    const context = { statuses: statusesByDefault, nowMicros: Date.now() * 1_000 };
    const search = searchOfQ(parameters, context) ?? every;
    const named = parameters.one('tenant_id');
    requireValid(parameters);
    const tenantId = tenantOf(credential, named);
    const scoped = scopeSearch(search, { tenantId, statuses: statusesByDefault, own: null });
    const matches = compileScoped(scoped);

    const { bounds, rows } =
      typeof asked === 'number'
        ? await reader.feedWithin({ tenantId, afterSeq: asked, limit }, asker)
        : { bounds: await reader.bounds(tenantId, asker), rows: [] };
    const { firstSeq, headSeq } = bounds;
    const after = asked === 'latest' ? headSeq : (asked ?? firstSeq - 1);
    if (after < firstSeq - 1) {
      throw new DocketError('cursor_expired', `The log begins at seq ${firstSeq}.`, {
        extensions: { first_seq: firstSeq },
      });
    }
    const asOf = new Date(bounds.atMs).toISOString();
    const found = asked === undefined ? await reader.feed({ tenantId, afterSeq: after, limit }, asker) : rows;
    const body = feedAnswer(found, { after, firstSeq, headSeq, asOf, matches });
    const reading = {
      credential,
      log: tenantId,
      // Not where it goes on: a feed that is followed is one question.
      question: parameters.one('q') ?? '',
      asked: { search: printSearch(scoped.search), after: String(after) },
      eventId: null,
      results: body.data.length,
    };
    return { reading, body };
  };
}

function afterOf(parameters: RequestParameters): number | 'latest' | undefined {
  if (parameters.all('after')[0] === 'latest' && parameters.one('after') === 'latest') return 'latest';
  return parameters.integer(afterSeq);
}
