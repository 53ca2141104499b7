import { isPlainObject } from '@docket/event';
import { DocketError } from '@docket/runtime';

import { batchEventsMax } from '../limits.ts';

/** The events of a request, unjudged. */
export interface EventBatch {
  readonly inputs: readonly unknown[];
  /** The body is the event itself. */
  readonly isSingle: boolean;
}

/** How the pointer to an event of a request begins. */
export function pointerOf({ isSingle }: Pick<EventBatch, 'isSingle'>, index: number): string {
  return isSingle ? '' : `/events/${index}`;
}

/** Takes a request body apart: one event, or `{"events":[…]}` of 1 to 1000. Throws invalid_request or invalid_event. */
export function readEventBatch(body: unknown): EventBatch {
  if (!isPlainObject(body)) {
    throw new DocketError('invalid_request', 'The body is neither an event nor {"events": […]}.', {
      errors: [{ pointer: '', detail: 'must be an object' }],
    });
  }
  if (!Object.hasOwn(body, 'events')) return { inputs: [body], isSingle: true };
  const { events, ...others } = body;
  const [stranger] = Object.keys(others);
  if (stranger !== undefined) {
    const pointer = `/${stranger.slice(0, 128).replaceAll('~', '~0').replaceAll('/', '~1')}`;
    throw invalidBatch(pointer, 'is not known beside events');
  }
  if (!Array.isArray(events)) throw invalidBatch('/events', 'must be an array');
  if (events.length === 0 || events.length > batchEventsMax) {
    throw invalidBatch('/events', `has ${events.length} events, 1 to ${batchEventsMax} are allowed`);
  }
  return { inputs: events, isSingle: false };
}

function invalidBatch(pointer: string, detail: string): DocketError {
  return new DocketError('invalid_event', 'The batch is invalid; nothing of it was published.', {
    errors: [{ pointer, detail }],
  });
}
