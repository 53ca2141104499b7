import { printSearch } from '@docket/event';
import { DocketError } from '@docket/runtime';
import type { Request } from 'express';
import type { LogReader } from '../pages/clickhouse-log-reader.ts';
import type { RequestParameters } from '../parameters/request-parameters-mapper.ts';
import { tailAfterParameter, tailEndpoint } from '../tail/tail-endpoint.ts';
import type { TailSender } from '../tail/tail-sender.ts';
import { limitedAs } from '../gate/reader-policy.ts';
import { askedSearch } from './asked-search.ts';
import { readerOf, type Callers } from './caller.ts';
import { requireGet } from './for-caller.ts';
import { parametersOf } from './query-string.ts';
import type { Reader } from './reading-route.ts';

interface TailPorts {
  readonly callers: Callers;
  readonly reader: LogReader;
  readonly sender: TailSender;
  readonly rangeDaysMax: number;
}

/** Seqs that a number holds exactly. */
const afterSeq = { name: tailAfterParameter.name, min: 0, max: Number.MAX_SAFE_INTEGER, default: undefined };

/** GET /v1/tail?after=SEQ|latest and the filters of GET /v1/events: what the log gets, live. 410 when rows behind `after` were cut. */
export function getTail({ callers, reader, sender, rangeDaysMax }: TailPorts): Reader {
  return async (req, signal) => {
    requireGet(req);
    const caller = await readerOf(callers, req);
    const parameters = parametersOf(req, tailEndpoint);
    const asked = lastEventIdOf(req) ?? afterOf(parameters);
    const nowMicros = Date.now() * 1_000;
    const { search, question } = askedSearch({ credential: caller, parameters, rangeDaysMax, nowMicros });
    const { tenantId } = search;
    sender.requirePlace({ tenantId, keyId: limitedAs(caller) });
    const { firstSeq, headSeq } = await reader.bounds(tenantId, { keyId: limitedAs(caller), signal });
    const after = asked ?? headSeq;
    if (after < firstSeq - 1) {
      throw new DocketError('cursor_expired', `The log begins at seq ${firstSeq}.`, {
        extensions: { first_seq: firstSeq },
      });
    }
    return {
      reading: {
        credential: caller,
        log: tenantId,
        // Not where it goes on: a stream that is opened again is one question.
        question,
        asked: { search: printSearch(search.search), after: String(after) },
        eventId: null,
        results: null,
      },
      headers: {
        'Content-Type': 'text/event-stream; charset=utf-8',
        // For proxies that would collect it.
        'X-Accel-Buffering': 'no',
      },
      stream: (res) => sender.send({ caller, search, afterSeq: after }, res),
    };
  };
}

/** What an EventSource sends when it comes back. */
function lastEventIdOf(req: Request): number | undefined {
  const text = req.get('last-event-id');
  if (text === undefined || text === '') return undefined;
  const seq = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(seq)) return seq;
  throw new DocketError('invalid_request', 'Last-Event-ID is not the id of a message.', {
    errors: [{ header: 'Last-Event-ID', detail: 'is a whole number' }],
  });
}

function afterOf(parameters: RequestParameters): number | undefined {
  if (parameters.all('after')[0] === 'latest' && parameters.one('after') === 'latest') return undefined;
  return parameters.integer(afterSeq);
}
