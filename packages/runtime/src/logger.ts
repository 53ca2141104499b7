import { pino } from 'pino';
import type { DestinationStream, Logger as PinoLogger } from 'pino';

import type { LogLevel } from './settings/service-settings.ts';

export type Logger = PinoLogger;

/** Causes are followed this deep: enough for adapter, client and socket. */
const causeDepthMax = 4;

/**
 * Makes the logger of a process: JSON lines on stdout, `time` in RFC 3339, the event's name as `msg` (`block.inserted`), ids and numbers as fields
 * whose names end in their units. Payloads, secrets and personal data do not belong in a line.
 */
export function createLogger(
  { service, level }: { service: string; level: LogLevel },
  destination?: DestinationStream,
): Logger {
  const options = {
    level,
    base: { service },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: (error: unknown) => describeError(error, causeDepthMax) },
    // A second lock behind "do not log it".
    redact: {
      paths: ['authorization', 'secret', 'password', '*.authorization', '*.secret', '*.password'],
      censor: '[redacted]',
    },
  };
  // Synchronous, so that the line before an exit is written, and in its place.
  return pino(options, destination ?? pino.destination({ fd: 1, sync: true }));
}

/** Only these members: errors of HTTP and database clients carry requests, bodies and credentials as further properties. */
function describeError(error: unknown, depth: number): unknown {
  if (typeof error !== 'object' || error === null || !('message' in error)) return { message: String(error) };
  const described: Record<string, unknown> = {};
  for (const [from, to] of errorMembers) {
    const value: unknown = Reflect.get(error, from);
    if (typeof value === 'string' || typeof value === 'number') described[to] = value;
  }
  const cause: unknown = Reflect.get(error, 'cause');
  if (cause !== undefined && depth > 0) described['cause'] = describeError(cause, depth - 1);
  return described;
}

const errorMembers = [
  ['name', 'type'],
  ['message', 'message'],
  ['code', 'code'],
  ['stack', 'stack'],
] as const;
