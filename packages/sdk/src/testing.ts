import { createDocket, type Docket } from './docket.ts';
import type { EventInput, WireEvent } from './event-input.ts';
import type { DocketOptions } from './options.ts';
import type { Transport } from './transport.ts';

/** A transport for tests: it takes everything and keeps it in the order of arrival. */
export interface RecordingTransport extends Transport {
  /** As they would have been sent. */
  readonly events: WireEvent[];
  /** Forgets what was recorded. */
  clear(): void;
}

export function recordingTransport(): RecordingTransport {
  const events: WireEvent[] = [];
  return {
    destination: 'test:',
    events,
    clear: () => void events.splice(0),
    send(texts) {
      events.push(...texts.map((text): WireEvent => JSON.parse(text)));
      return Promise.resolve({ verdict: 'accepted', putAside: [] });
    },
  };
}

/**
 * A recorder for tests, with everything that it has recorded. In memory, `strict`: what an application should not do rejects. When `record`
 * has resolved, the event is in `recorded`.
 */
export function recordingDocket(options: Partial<DocketOptions> = {}): {
  docket: Docket;
  recorded: RecordingTransport;
} {
  const recorded = recordingTransport();
  const docket = createDocket({
    source: { service: 'test' },
    onFailure: () => undefined,
    ...options,
    transport: recorded,
    spool: false,
    strict: true,
  });
  return { docket: { ...docket, record: (event) => docket.recordNow(event) }, recorded };
}

/** What a matcher of jest (or vitest) finds in `this`. */
export interface MatcherContext {
  readonly isNot?: boolean;
  equals(a: unknown, b: unknown, testers?: never[]): boolean;
  readonly utils: { readonly subsetEquality?: unknown; stringify(value: unknown): string };
}

export interface MatcherResult {
  pass: boolean;
  message(): string;
}

/** Part of an event; values may be asymmetric matchers, such as `expect.any(String)`. */
export type ExpectedEvent = { [K in keyof WireEvent]?: unknown };

/**
 * For `expect.extend(docketMatchers)`:
 * - `expect(recorded).toHaveRecorded({ action, … })`: at least one event has all of these fields, as `toMatchObject` compares.
 * - `expect(recorded).toHaveRecordedTimes(n, { … })`: exactly so many have; without fields, of all events.
 */
export const docketMatchers = {
  toHaveRecorded(this: MatcherContext, recorded: unknown, expected: ExpectedEvent): MatcherResult {
    const events = eventsOf(recorded);
    const found = matching(this, events, expected).length;
    return { pass: found > 0, message: () => told(this, events, expected, found, 'at least one') };
  },
  toHaveRecordedTimes(
    this: MatcherContext,
    recorded: unknown,
    times: number,
    expected: ExpectedEvent = {},
  ): MatcherResult {
    const events = eventsOf(recorded);
    const found = matching(this, events, expected).length;
    return { pass: found === times, message: () => told(this, events, expected, found, String(times)) };
  },
};

function eventsOf(recorded: unknown): readonly EventInput[] {
  const events: unknown =
    typeof recorded === 'object' && recorded !== null ? Reflect.get(recorded, 'events') : undefined;
  if (!Array.isArray(events)) throw new TypeError('expected what recordingTransport() or recordingDocket() gives');
  return events;
}

function matching(context: MatcherContext, events: readonly EventInput[], expected: ExpectedEvent): EventInput[] {
  const testers = [context.utils.subsetEquality].filter((tester) => tester !== undefined);
  return events.filter((event) => context.equals(event, expected, testers as never[]));
}

function told(
  context: MatcherContext,
  events: readonly EventInput[],
  expected: ExpectedEvent,
  found: number,
  wanted: string,
): string {
  const shown = events.slice(0, 10).map((event) => `  ${context.utils.stringify(event)}`);
  const not = context.isNot === true ? 'not ' : '';
  return [
    `expected ${not}${wanted} recorded event with ${context.utils.stringify(expected)}; there are ${found}`,
    `recorded were ${events.length} events${events.length > shown.length ? ', the first of them' : ''}:`,
    ...shown,
  ].join('\n');
}
