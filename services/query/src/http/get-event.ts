import { setTimeout as pause } from 'node:timers/promises';
import { isEventId } from '@docket/event';
import { DocketError } from '@docket/runtime';
import { eventAnswer } from '../answer-mapper.ts';
import type { EventAnswer } from '../answer-schemas.ts';
import type { LogReader } from '../clickhouse-log-reader.ts';
import { waitParameter } from '../endpoint-parameters.ts';
import { getEventEndpoint } from '../endpoints.ts';
import type { WaitingRoom } from '../waiting-room.ts';
import { anyReaderOf, scopeOf, type Callers } from './caller.ts';
import { parametersOf, requireValid } from './query-string.ts';
import type { Reader } from './reading-route.ts';

/** The first look again comes soon, because an event is usually readable within half a second; later ones are rarer. */
const firstPauseMs = 50;
const pauseMsMax = 500;

interface EventPorts {
  readonly callers: Callers;
  readonly reader: LogReader;
  readonly waitingRoom: WaitingRoom;
}

/** GET /v1/events/{id}?wait=N: one event; with `wait` the answer comes when it can be read, or 404 after N seconds. */
export function getEvent({ callers, reader, waitingRoom }: EventPorts): Reader {
  return async (req, signal) => {
    const credential = await anyReaderOf(callers, req);
    const asker = { keyId: credential.keyId, signal };
    const parameters = parametersOf(req, getEventEndpoint);
    const waitSeconds = parameters.integer(waitParameter);
    const named = parameters.one('tenant_id');
    requireValid(parameters);
    const scope = scopeOf(credential, named);
    const { id } = req.params;
    if (typeof id !== 'string' || !isEventId(id)) throw new DocketError('not_found', 'An event id is a UUID.');

    const read = async (): Promise<EventAnswer | null> => eventAnswer(await reader.event(scope, id, asker), scope.own);
    const leave = waitSeconds > 0 ? waitingRoom.enter(scope.tenantId) : undefined;
    // Without a place to wait in it looks once.
    const waitMs = leave === undefined ? 0 : waitSeconds * 1_000;
    const answer = await look(read, waitMs, signal).finally(() => leave?.());
    if (answer === null) throw new DocketError('not_found', `There is no event ${id} in this log.`);
    const reading = { credential, log: scope.tenantId, question: answer.id, asked: {}, eventId: answer.id, results: 1 };
    return { reading, body: answer };
  };
}

/** Looks until there is an answer or the time is over. */
async function look(
  read: () => Promise<EventAnswer | null>,
  waitMs: number,
  signal: AbortSignal,
): Promise<EventAnswer | null> {
  const endsAtMs = performance.now() + waitMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, pauseMsMax)) {
    const leftMs = endsAtMs - performance.now();
    const answer = await read().catch((error: unknown) => {
      // The next look may find a place.
      if (leftMs > 0 && isAtLimit(error)) return null;
      throw error;
    });
    if (answer !== null || leftMs <= 0) return answer;
    await pause(Math.min(pauseMs, leftMs), undefined, { signal });
  }
}

function isAtLimit(error: unknown): boolean {
  return error instanceof DocketError && (error.code === 'rate_limited' || error.code === 'overloaded');
}
