import { textOf } from './error-fields.ts';

/** Why an event is not (or not yet) in the log. */
export type FailureReason =
  /** It lacks what no event can do without, or has no JSON form. Nothing was sent. */
  | 'invalid'
  /** Longer than `batch.bytesMax`. Nothing was sent. */
  | 'too_large'
  /** There was no room in the spool. Nothing was sent. */
  | 'spool_full'
  /** After `close()`. Nothing was sent. */
  | 'closed'
  /** The receiver will not take this event; it is out of the spool. `detail` names the field. */
  | 'refused'
  /** The address or the key is wrong. The event stays in the spool. */
  | 'misconfigured'
  /** No answer, or the receiver is busy. The event stays in the spool and is sent again. */
  | 'unavailable'
  /**
   * Not confirmed within the deadline. The event stays in the spool and is still sent: it need not be repeated. Where it was recorded with an `id` and
   * `occurred_at` of its own, repeating it with the same is harmless.
   */
  | 'deadline'
  /** The disk fails: events are kept in memory for now, and are lost if the process dies. */
  | 'spool_unavailable'
  /** The process ends with events in memory only. They are lost. */
  | 'lost';

export interface Failure {
  reason: FailureReason;
  detail: string;
  /** The event's id, if there is one; absent for a failure of a whole request, or of the spool. */
  id?: string | undefined;
}

/** What `record` rejects with when the recorder is `strict`. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(`${failure.reason}: ${failure.detail}`);
    this.failure = failure;
  }
}

const warningIntervalMs = 60_000;

/** Warns of each reason at most once a minute. */
export function warnOnFailure(): (failure: Failure) => void {
  const lastAtMs = new Map<FailureReason, number>();
  return ({ reason, detail, id }) => {
    const nowMs = Date.now();
    if (nowMs - (lastAtMs.get(reason) ?? -Infinity) < warningIntervalMs) return;
    lastAtMs.set(reason, nowMs);
    const what = id === undefined ? aboutMany(reason) : `audit event ${id}`;
    // At the exit of the process there is no next turn in which a warning would be printed.
    if (reason === 'lost') process.stderr.write(`(${process.pid}) DocketWarning: ${what}: ${detail}\n`);
    else
      process.emitWarning(`${what}: ${reason}: ${detail}`, {
        type: 'DocketWarning',
        code: `DOCKET_${reason.toUpperCase()}`,
      });
  };
}

function aboutMany(reason: FailureReason): string {
  if (reason === 'spool_unavailable') return 'audit events are kept in memory and would be lost with the process';
  return reason === 'lost' ? 'audit events are lost' : 'audit events are delayed';
}

/** A hook of the application must not end the sender, nor, when it is async, the process. */
export function guardedHook<T>(name: string, hook: ((value: T) => unknown) | undefined): (value: T) => void {
  const complain = (error: unknown): void =>
    process.emitWarning(`${name} threw: ${textOf(error)}`, { type: 'DocketWarning' });
  return (value) => {
    try {
      void Promise.resolve(hook?.(value)).catch(complain);
    } catch (error) {
      complain(error);
    }
  };
}
