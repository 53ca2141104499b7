import { isEventId } from '@docket/event';
import { DocketError } from '@docket/runtime';
import { eventAnswer } from '../answer-mapper.ts';
import type { EventAnswer } from '../answer-schemas.ts';
import type { LogReader } from '../pages/clickhouse-log-reader.ts';
import { eventWait } from '../parameters/endpoint-parameters.ts';
import { getEventEndpoint } from '../endpoints.ts';
import type { WaitingRoom } from '../gate/waiting-room.ts';
import { limitedAs } from '../gate/reader-policy.ts';
import { anyReaderOf, requireStillReads, scopeOf, type Callers } from './caller.ts';
import { look } from './look.ts';
import { parametersOf, requireValid } from './query-string.ts';
import type { Reader } from './reading-route.ts';

interface EventPorts {
  readonly callers: Callers;
  readonly reader: LogReader;
  readonly waitingRoom: WaitingRoom;
}

/** GET /v1/events/{id}?wait=N: one event; with `wait` the answer comes when it can be read, or 404 after N seconds; 401 as soon as its credential has ended. */
export function getEvent({ callers, reader, waitingRoom }: EventPorts): Reader {
  return async (req, signal) => {
    const credential = await anyReaderOf(callers, req);
    const asker = { keyId: limitedAs(credential), signal };
    const parameters = parametersOf(req, getEventEndpoint);
    const waitSeconds = parameters.integer(eventWait);
    const named = parameters.one('tenant_id');
    requireValid(parameters);
    const scope = scopeOf(credential, named);
    const { id } = req.params;
    if (typeof id !== 'string' || !isEventId(id)) throw new DocketError('not_found', 'An event id is a UUID.');

    const read = async (): Promise<EventAnswer | null> => {
      const rows = await reader.event(scope, id, asker);
      requireStillReads(callers, credential, scope.tenantId);
      return eventAnswer(rows, scope.own);
    };
    const leave = waitSeconds > 0 ? waitingRoom.enter(scope.tenantId) : undefined;
    // Without a place to wait in it looks once.
    const waitMs = leave === undefined ? 0 : waitSeconds * 1_000;
    const answer = await look(read, waitMs, signal).finally(() => leave?.());
    if (answer === null) throw new DocketError('not_found', `There is no event ${id} in this log.`);
    const reading = { credential, log: scope.tenantId, question: answer.id, asked: {}, eventId: answer.id, results: 1 };
    return { reading, body: answer };
  };
}
