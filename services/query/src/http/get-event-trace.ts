import { isEventId } from '@docket/event';
import { DocketError } from '@docket/runtime';
import type { LogReader } from '../pages/clickhouse-log-reader.ts';
import { getEventTraceEndpoint } from '../endpoints.ts';
import { attemptsMax, traceAnswer } from '../trace/trace-mapper.ts';
import { limitedAs } from '../gate/reader-policy.ts';
import { isOperator, readerOf, scopeOf, type Callers } from './caller.ts';
import { parametersOf, requireValid } from './query-string.ts';
import type { Reader } from './reading-route.ts';

interface TracePorts {
  readonly callers: Callers;
  readonly reader: LogReader;
}

/** GET /v1/events/{id}/trace: what became of an event, from Kafka to each receiver. Not for the view `user`: it counts by seq. */
export function getEventTrace({ callers, reader }: TracePorts): Reader {
  return async (req, signal) => {
    const credential = await readerOf(callers, req);
    const asker = { keyId: limitedAs(credential), signal };
    const parameters = parametersOf(req, getEventTraceEndpoint);
    const named = parameters.one('tenant_id');
    requireValid(parameters);
    const scope = scopeOf(credential, named);
    const { id } = req.params;
    if (typeof id !== 'string' || !isEventId(id)) throw new DocketError('not_found', 'An event id is a UUID.');

    const rows = await reader.event(scope, id, asker);
    const [first] = rows;
    if (first === undefined) throw new DocketError('not_found', `There is no event ${id} in this log.`);
    const seqs = rows.map(({ seq }) => seq);
    const query = {
      tenantId: scope.tenantId,
      seqs,
      receivedAtMs: first.received_at,
      limit: attemptsMax + 1,
    };
    const attempts = await reader.attempts(query, asker);
    const places = isOperator(credential) ? await reader.places(scope.tenantId, seqs, asker) : [];
    const body = traceAnswer(rows, attempts, places);
    const reading = { credential, log: scope.tenantId, question: id, asked: {}, eventId: first.id, results: 1 };
    return { reading, body };
  };
}
